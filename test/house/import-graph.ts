import ts from 'typescript';

/** Core features in their order: each may import the index.ts of those before it. */
const CORE_ORDER = ['accounts', 'keys', 'activity', 'plans', 'notifications', 'referrals', 'models', 'chat'];

/** What every part of the platform may build on, besides `base`. */
const PLATFORM_FOUNDATIONS = ['log', 'telemetry', 'postgres', 'redis'];

/** The parts of the platform whose values kit may hand on: the `sql` tag and the schemas of lists, which do no I/O. */
const KIT_FOUNDATIONS = ['postgres', 'http'];

/** Sources by path from the root of the repository, with `/`. */
export type Sources = Readonly<Record<string, string>>;

/** One import of one of our files by another. */
interface Import {
  readonly from: string;
  readonly to: string;
  readonly isTypeOnly: boolean;
}

/** Where a file belongs: `core/chat` has the layer `core` and the unit `chat`. `src/main.ts` has the layer `main.ts`. */
interface Place {
  readonly layer: string;
  readonly unit: string;
  readonly isIndex: boolean;
}

function placeOf(path: string): Place {
  const [top = '', layer = '', unit = '', ...rest] = path.split('/');
  if (top !== 'src') return { layer: top, unit: '', isIndex: false };
  return { layer, unit: rest.length === 0 ? '' : unit, isIndex: rest.length === 1 && rest[0] === 'index.ts' };
}

function resolve(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  const parts = from.split('/').slice(0, -1);
  for (const step of specifier.split('/')) {
    if (step === '..') parts.pop();
    else if (step !== '.') parts.push(step);
  }
  return parts.join('/');
}

function isTypeOnlyClause(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  const clause = node.importClause;
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const named = clause.namedBindings;
  if (clause.name !== undefined || named === undefined || !ts.isNamedImports(named)) return false;
  return named.elements.length > 0 && named.elements.every((element) => element.isTypeOnly);
}

/** The module that a node of the syntax tree names, if it is an import in any of its forms. */
function importOf(node: ts.Node): { specifier: ts.Node | undefined; isTypeOnly: boolean } | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    return { specifier: node.moduleSpecifier, isTypeOnly: isTypeOnlyClause(node) };
  }
  if (ts.isImportTypeNode(node)) {
    return { specifier: ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, isTypeOnly: true };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return { specifier: node.arguments[0], isTypeOnly: false };
  }
  return undefined;
}

/** All imports of our own files, those of types too, static and dynamic. */
function listImports(from: string, source: string): Import[] {
  const imports: Import[] = [];
  const visit = (node: ts.Node): void => {
    const found = importOf(node);
    if (found?.specifier !== undefined && ts.isStringLiteralLike(found.specifier)) {
      const to = resolve(from, found.specifier.text);
      if (to !== undefined) imports.push({ from, to, isTypeOnly: found.isTypeOnly });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(from, source, ts.ScriptTarget.Latest));
  return imports;
}

const MOVE_DOWN = 'move what both need to base or platform, or pass it in as an argument';
const MOVE_IN_OR_OUT = 'move what is needed into src, or this file to test/harness if only tests need it';

/** What is wrong with an import within `core`, and what to do instead. */
function judgeCore(from: Place, to: Place): string | undefined {
  if (from.unit === to.unit) return undefined;
  if (!to.isIndex) return `import src/core/${to.unit}/index.ts, which holds all that others may use`;
  const order = [from.unit, to.unit].map((unit) => CORE_ORDER.indexOf(unit));
  if (order.includes(-1)) return 'add the new feature to CORE_ORDER in test/house/import-graph.ts';
  if (Number(order[1]) < Number(order[0])) return undefined;
  return `${to.unit} comes after ${from.unit}; let ${from.unit} take a function, or let ${to.unit} do the work`;
}

const isKitFoundation = (to: Place): boolean =>
  to.layer === 'platform' && to.isIndex && KIT_FOUNDATIONS.includes(to.unit);

/** For each layer what it may import: undefined when the arrow is right, else what to do instead. */
const rules: Readonly<Record<string, (from: Place, to: Place, isTypeOnly: boolean) => string | undefined>> = {
  base: (_, to) =>
    to.layer === 'base' ? undefined : 'base is pure and imports nothing of ours; pass it in as an argument',
  platform: (from, to) => {
    if (to.layer === 'base' || (to.layer === 'platform' && to.unit === from.unit)) return undefined;
    if (to.layer === 'platform' && PLATFORM_FOUNDATIONS.includes(to.unit)) return undefined;
    return `platform may import platform/{${PLATFORM_FOUNDATIONS.join(',')}} and base only; take it as an option, which app/ fills in`;
  },
  core: (from, to) => {
    if (to.layer === 'core') return judgeCore(from, to);
    return to.layer === 'platform' || to.layer === 'base'
      ? undefined
      : `core may import platform and base only; ${MOVE_DOWN}`;
  },
  kit: (_, to, isTypeOnly) => {
    if (to.layer === 'kit' || to.layer === 'base') return undefined;
    if (to.layer === 'core' || to.layer === 'platform') {
      if (isTypeOnly || isKitFoundation(to)) return undefined;
      return `kit may import types of core and platform only, and values of platform/{${KIT_FOUNDATIONS.join(',')}}/index.ts; write \`import type\``;
    }
    return `kit may import base, core and platform only; ${MOVE_DOWN}`;
  },
  assistants: (from, to) => {
    if (to.layer === 'kit' || to.layer === 'base') return undefined;
    if (to.layer === 'assistants' && to.unit === from.unit) return undefined;
    return 'an assistant may import kit and base only; it gets the rest in its context';
  },
  app: (_, to) => (to.layer === 'main.ts' ? 'main.ts starts app, not the other way round' : undefined),
  'main.ts': () => undefined,
};

function judge({ from, to, isTypeOnly }: Import): string | undefined {
  // A test beside its subject may reach for whatever it needs to try it.
  if (from.endsWith('.test.ts')) return undefined;
  const [source, target] = [placeOf(from), placeOf(to)];
  if (!to.startsWith('src/')) {
    const isOutside = ['test', 'bench', 'scripts'].includes(target.layer);
    return isOutside ? `nothing in src imports from ${target.layer}/; ${MOVE_IN_OR_OUT}` : undefined;
  }
  if (to.endsWith('.test.ts')) return 'nothing imports a test; move what is needed into a file of its own';
  const rule = rules[source.layer];
  if (rule === undefined) return `there is no folder src/${source.layer} in the house; put the file where it belongs`;
  return rule(source, target, isTypeOnly);
}

/** The first cycle found from each file that is in one, as paths that end where they begin. */
function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    const start = trail.indexOf(file);
    if (start !== -1) {
      cycles.push([...trail.slice(start), file]);
      return;
    }
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...trail, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return cycles;
}

/**
 * Judges the imports of files below `src/`.
 *
 * @returns one text for each fault: the file, the arrow, and what to do instead. Empty when all is well.
 */
export function findImportFaults(sources: Sources): string[] {
  const imports = Object.entries(sources).flatMap(([path, source]) => listImports(path, source));
  const faults = imports.flatMap((arrow) => {
    const advice = judge(arrow);
    return advice === undefined ? [] : [`${arrow.from} → ${arrow.to}: ${advice}`];
  });
  const graph = Map.groupBy(imports, (arrow) => arrow.from);
  const targets = new Map([...graph].map(([from, arrows]) => [from, arrows.map((arrow) => arrow.to)]));
  for (const cycle of findCycles(targets)) {
    faults.push(`${cycle[0]}: import cycle ${cycle.join(' → ')}: move what both need into a file of its own`);
  }
  return faults;
}

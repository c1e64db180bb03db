import type { ColumnRef, JoinExpr, Node, RangeFunction } from 'libpg-query';

/** Something that a level of a statement reads from or writes to: a table, a CTE, a subselect, a function. */
export interface Reference {
  /** What its columns are qualified with. */
  readonly name: string;
  /** The user-owned table that it is; undefined when it is something else. */
  readonly ownedTable: string | undefined;
  /** Whether its `user_id` is known to be the caller's. */
  isGiven: boolean;
}

/** `left = right`, and the references whose rows it limits: an outer join's condition limits one side only. */
interface Equation {
  readonly left: Node;
  readonly right: Node;
  readonly limits: ReadonlySet<Reference>;
}

/** What can be named at one level of a statement. */
export interface Scope {
  readonly references: Reference[];
  readonly equations: Equation[];
  readonly ctes: ReadonlySet<string>;
  readonly outer: Scope | undefined;
}

/** What is known before a statement is read. */
export interface WallContext {
  /** The tables that have a user_id, as `schema.table`. */
  readonly ownedTables: ReadonlySet<string>;
  /** All other tables, as `schema.table`. */
  readonly otherTables: ReadonlySet<string>;
  /** What the code calls each parameter. */
  readonly parameters: readonly string[];
  /** Takes down what is wrong. */
  report(fault: string): void;
}

/** Whether any list of column names in an alias has user_id, which would call another column so. */
const renamesUserId = (names: Node[] | undefined): boolean =>
  names?.some((name) => textOf(name) === 'user_id') ?? false;

/** The text of a name's node; empty for anything else, such as a star. */
export function textOf(node: Node | undefined): string {
  return node !== undefined && 'String' in node ? (node.String.sval ?? '') : '';
}

/** Whether a node is the parameter that the code calls `userId`. */
function isUserParameter(node: Node, context: WallContext): boolean {
  if ('TypeCast' in node) return node.TypeCast.arg !== undefined && isUserParameter(node.TypeCast.arg, context);
  return 'ParamRef' in node && context.parameters[(node.ParamRef.number ?? 0) - 1] === 'userId';
}

/** The reference whose user_id a column is; undefined when it is another column or cannot be told. */
function resolve(column: ColumnRef, scope: Scope | undefined): Reference | undefined {
  if (scope === undefined || textOf(column.fields?.at(-1)) !== 'user_id') return undefined;
  const qualifier = textOf(column.fields?.at(-2));
  if (qualifier !== '') {
    return scope.references.find(({ name }) => name === qualifier) ?? resolve(column, scope.outer);
  }
  if (scope.references.length === 0) return resolve(column, scope.outer);
  return scope.references.length === 1 ? scope.references[0] : undefined;
}

/** Whether a value is the caller's user id: the parameter `userId`, or the user_id of a reference that is given. */
export function isGiven(node: Node, scope: Scope, context: WallContext): boolean {
  if ('ColumnRef' in node) return resolve(node.ColumnRef, scope)?.isGiven ?? false;
  if ('TypeCast' in node) return node.TypeCast.arg !== undefined && isGiven(node.TypeCast.arg, scope, context);
  return isUserParameter(node, context);
}

/** Adds a table, or a CTE of that name. */
export function addTable(
  range: { schemaname?: string; relname?: string; alias?: { aliasname?: string; colnames?: Node[] } },
  scope: Scope,
  context: WallContext,
): Reference[] {
  const { schemaname, relname = '', alias } = range;
  if (renamesUserId(alias?.colnames)) context.report(`an alias of ${relname} calls another column user_id`);
  const isCte = schemaname === undefined && scope.ctes.has(relname);
  const isHere = (table: string): boolean =>
    schemaname === undefined ? table.endsWith(`.${relname}`) : table === `${schemaname}.${relname}`;
  const ownedTable = isCte ? undefined : [...context.ownedTables].find(isHere);
  if (!isCte && ownedTable === undefined && ![...context.otherTables].some(isHere)) {
    context.report(`${relname} is not a table`);
  }
  const reference = { name: alias?.aliasname ?? relname, ownedTable, isGiven: isCte };
  scope.references.push(reference);
  return [reference];
}

/** A function's rows have a user_id that counts only when it is `unnest`'s of the parameter `userId`. */
function addFunction(range: RangeFunction, scope: Scope, context: WallContext): Reference[] {
  const [first] = range.functions ?? [];
  const call = first !== undefined && 'List' in first ? first.List.items?.[0] : undefined;
  const columns = range.alias?.colnames ?? range.coldeflist?.map((column) => nameOfColumn(column)) ?? [];
  const position = columns.findIndex((column) => textOf(column) === 'user_id');
  const isUnnest = call !== undefined && 'FuncCall' in call && textOf(call.FuncCall.funcname?.at(-1)) === 'unnest';
  const values = isUnnest && !range.is_rowsfrom ? call.FuncCall.args?.[position] : undefined;
  const isGivenHere = values !== undefined && isUserParameter(values, context);
  if (position >= 0 && !isGivenHere) context.report('the user_id of a function is not that of the parameter userId');
  const reference = { name: range.alias?.aliasname ?? '', ownedTable: undefined, isGiven: isGivenHere };
  scope.references.push(reference);
  return [reference];
}

function nameOfColumn(column: Node): Node {
  return { String: { sval: 'ColumnDef' in column ? (column.ColumnDef.colname ?? '') : '' } };
}

function addJoin(join: JoinExpr, scope: Scope, context: WallContext): Reference[] {
  if (join.alias !== undefined) context.report('a join with an alias cannot be read');
  const left = join.larg === undefined ? [] : addFrom(join.larg, scope, context);
  const right = join.rarg === undefined ? [] : addFrom(join.rarg, scope, context);
  const limited =
    { JOIN_INNER: [...left, ...right], JOIN_LEFT: right, JOIN_RIGHT: left }[join.jointype as string] ?? [];
  addCondition(join.quals, new Set(limited), scope);
  return [...left, ...right];
}

/** Adds what a FROM clause names; answers the references that it added. */
export function addFrom(node: Node, scope: Scope, context: WallContext): Reference[] {
  if ('RangeVar' in node) return addTable(node.RangeVar, scope, context);
  if ('JoinExpr' in node) return addJoin(node.JoinExpr, scope, context);
  if ('RangeFunction' in node) return addFunction(node.RangeFunction, scope, context);
  if ('RangeSubselect' in node) {
    const { alias } = node.RangeSubselect;
    if (renamesUserId(alias?.colnames)) context.report(`an alias of ${alias?.aliasname} calls another column user_id`);
    // Whatever a subselect calls user_id is the caller's, or is reported where it is made.
    const reference = { name: alias?.aliasname ?? '', ownedTable: undefined, isGiven: true };
    scope.references.push(reference);
    return [reference];
  }
  context.report(`${Object.keys(node).join()} in FROM cannot be read`);
  return [];
}

/** Adds the equations of a condition: those that must all hold. What is below an OR or a NOT need not. */
export function addCondition(node: Node | undefined, limits: ReadonlySet<Reference>, scope: Scope): void {
  if (node === undefined) return;
  if ('BoolExpr' in node && node.BoolExpr.boolop === 'AND_EXPR') {
    for (const part of node.BoolExpr.args ?? []) addCondition(part, limits, scope);
  }
  if (!('A_Expr' in node) || node.A_Expr.kind !== 'AEXPR_OP' || textOf(node.A_Expr.name?.[0]) !== '=') return;
  const { lexpr: left, rexpr: right } = node.A_Expr;
  if (left !== undefined && right !== undefined) {
    scope.equations.push({ left, right, limits }, { left: right, right: left, limits });
  }
}

/** Follows the equations from what is given to all that is equal to it. */
export function followEquations(scope: Scope, context: WallContext): void {
  let hasNews = true;
  while (hasNews) {
    hasNews = false;
    for (const { left, right, limits } of scope.equations) {
      const reference = 'ColumnRef' in left ? resolve(left.ColumnRef, scope) : undefined;
      if (reference === undefined || reference.isGiven || !limits.has(reference)) continue;
      reference.isGiven = isGiven(right, scope, context);
      hasNews ||= reference.isGiven;
    }
  }
}

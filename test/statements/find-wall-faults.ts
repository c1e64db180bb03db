import { type InsertStmt, type Node, parse, type SelectStmt, type UpdateStmt, type WithClause } from 'libpg-query';
import {
  addCondition,
  addFrom,
  addTable,
  followEquations,
  isGiven,
  type Reference,
  type Scope,
  textOf,
  type WallContext,
} from './read-scope.ts';

/** What every statement is held against: the tables of the migrated schema, as `schema.table`. */
export interface Tables {
  /** Those that have a user_id. */
  readonly owned: ReadonlySet<string>;
  readonly other: ReadonlySet<string>;
}

/** What a level of a statement holds, whatever it does. */
type Level = Partial<Pick<SelectStmt, 'fromClause' | 'whereClause' | 'withClause'>>;

const NESTED = ['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'];

/**
 * What of a statement could reach another user's rows; empty when it stays behind the tenant wall.
 *
 * A statement is behind the wall when at each level (the statement, each CTE, each subselect) the user_id of every
 * user-owned table is equal to the caller's. The caller's is: a parameter that the code calls `userId`; the user_id of a
 * table, CTE or subselect, here or further out, that is the caller's itself; the user_id that `unnest` makes of an array
 * called `userId`. Equal means: `=`, in WHERE or ON, with AND only around it; the ON of an outer join counts for the
 * side that it limits. So that a CTE's user_id can be trusted, nothing but the caller's may be called user_id.
 *
 * An INSERT names user_id first and gives it the caller's; ON CONFLICT DO UPDATE is on columns with user_id among them.
 * No UPDATE sets user_id. What cannot be read is refused: the wall is to be seen at a glance.
 */
export async function findWallFaults(
  { text, parameters }: { text: string; parameters: readonly string[] },
  { owned, other }: Tables,
): Promise<string[]> {
  const faults: string[] = [];
  const report = (fault: string): void => void faults.push(fault);
  const context = { ownedTables: owned, otherTables: other, parameters, report };
  for (const { stmt } of (await parse(text)).stmts ?? []) {
    if (stmt !== undefined)
      checkStatement(stmt, { references: [], equations: [], ctes: new Set(), outer: undefined }, context);
  }
  return faults;
}

function checkStatement(node: Node, outer: Scope, context: WallContext): void {
  if ('SelectStmt' in node) checkSelect(node.SelectStmt, outer, context);
  else if ('InsertStmt' in node) checkInsert(node.InsertStmt, outer, context);
  else if ('UpdateStmt' in node) checkChange(node.UpdateStmt, node.UpdateStmt.fromClause, { outer, context });
  else if ('DeleteStmt' in node) checkChange(node.DeleteStmt, node.DeleteStmt.usingClause, { outer, context });
  else context.report(`${Object.keys(node).join()} cannot be read`);
}

/** A scope with the CTEs of a level, each checked. */
function openScope(withClause: WithClause | undefined, outer: Scope, context: WallContext): Scope {
  const ctes = new Set(outer.ctes);
  // A CTE sees those before it, and itself when recursive.
  for (const node of withClause?.ctes ?? []) {
    if (!('CommonTableExpr' in node)) continue;
    const { ctename = '', ctequery, aliascolnames } = node.CommonTableExpr;
    if (aliascolnames !== undefined) context.report(`the CTE ${ctename} renames its columns`);
    if (withClause?.recursive === true) ctes.add(ctename);
    if (ctequery !== undefined) checkStatement(ctequery, { references: [], equations: [], ctes, outer }, context);
    ctes.add(ctename);
  }
  return { references: [], equations: [], ctes, outer };
}

/** Reads FROM and WHERE into the scope, and reports every user-owned table whose user_id is not the caller's. */
function checkReferences({ fromClause, whereClause }: Level, scope: Scope, context: WallContext): void {
  for (const node of fromClause ?? []) addFrom(node, scope, context);
  addCondition(whereClause, new Set(scope.references), scope);
  followEquations(scope, context);
  for (const { name, ownedTable, isGiven: isWalled } of scope.references) {
    if (ownedTable !== undefined && !isWalled) context.report(`${name} (${ownedTable}) is not bound to the caller`);
  }
}

/** Reports what is called user_id in a list of results and is not the caller's. */
function checkTargets(targets: Node[] | undefined, scope: Scope, context: WallContext): void {
  for (const node of targets ?? []) {
    if (!('ResTarget' in node) || node.ResTarget.val === undefined || outputName(node) !== 'user_id') continue;
    if (!isGiven(node.ResTarget.val, scope, context)) context.report("a result called user_id is not the caller's");
  }
}

function outputName(node: Node): string {
  if (!('ResTarget' in node)) return '';
  const { name, val } = node.ResTarget;
  if (name !== undefined || val === undefined) return name ?? '';
  if ('TypeCast' in val && val.TypeCast.arg !== undefined) return outputName({ ResTarget: { val: val.TypeCast.arg } });
  return 'ColumnRef' in val ? textOf(val.ColumnRef.fields?.at(-1)) : '';
}

/** Checks the statements inside a level's expressions and FROM; what they do not name themselves they find in its scope. */
function checkNested(value: unknown, scope: Scope, context: WallContext): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'withClause') continue;
    if (NESTED.includes(key)) checkStatement({ [key]: inner } as unknown as Node, scope, context);
    else checkNested(inner, scope, context);
  }
}

function checkSelect(select: SelectStmt, outer: Scope, context: WallContext): Scope {
  const scope = openScope(select.withClause, outer, context);
  if (select.larg !== undefined && select.rarg !== undefined) {
    checkSelect(select.larg, scope, context);
    checkSelect(select.rarg, scope, context);
    if (userIdPlaces(select.larg) !== userIdPlaces(select.rarg)) {
      context.report('the arms of a UNION do not both have user_id at the same places');
    }
    return scope;
  }
  checkReferences(select, scope, context);
  checkTargets(select.targetList, scope, context);
  checkNested(select, scope, context);
  return scope;
}

/** Where the results of a UNION's arm are called user_id; a star, whose places are not known, is like no other arm. */
function userIdPlaces(arm: SelectStmt): string | symbol {
  if (arm.larg !== undefined) return userIdPlaces(arm.larg);
  const names = arm.targetList?.map((node) => outputName(node)) ?? [];
  const hasStar = JSON.stringify(arm.targetList ?? []).includes('"A_Star"');
  return hasStar ? Symbol('star') : names.map((name) => name === 'user_id').join();
}

function checkInsert(insert: InsertStmt, outer: Scope, context: WallContext): void {
  const scope = openScope(insert.withClause, outer, context);
  const { relation, selectStmt, onConflictClause: conflict, returningClause } = insert;
  const [target] = addTable(relation ?? {}, scope, context);
  const source = selectStmt !== undefined && 'SelectStmt' in selectStmt ? selectStmt.SelectStmt : {};
  // The source does not see the target.
  const inner = checkSelect(source, { references: [], equations: [], ctes: scope.ctes, outer: undefined }, context);
  if (target?.ownedTable !== undefined) {
    const values = firstValues(source);
    target.isGiven = values.length > 0 && values.every((value) => isGiven(value, inner, context));
    checkOwnInsert(insert, target, context);
  }
  refuseNewOwner(conflict?.targetList, context);
  checkNested({ conflict, returningClause }, scope, context);
  checkTargets(returningClause?.exprs, scope, context);
}

/** Reports what is wrong with an INSERT into a user-owned table. */
function checkOwnInsert({ cols = [], onConflictClause }: InsertStmt, target: Reference, context: WallContext): void {
  const [first] = cols;
  const namesUser = first !== undefined && 'ResTarget' in first && first.ResTarget.name === 'user_id';
  if (!namesUser) context.report(`INSERT into ${target.ownedTable} does not name user_id first`);
  if (!target.isGiven) context.report(`INSERT into ${target.ownedTable} does not give user_id the caller's`);
  if (onConflictClause?.action !== 'ONCONFLICT_UPDATE') return;
  const columns = onConflictClause.infer?.indexElems ?? [];
  if (!columns.some((node) => 'IndexElem' in node && node.IndexElem.name === 'user_id')) {
    context.report('ON CONFLICT DO UPDATE can meet the row of another user');
  }
}

/** What an INSERT's source has at the first place, row by row; nothing when that cannot be told. */
function firstValues(source: SelectStmt): Node[] {
  if (source.larg !== undefined) return [];
  const rows = source.valuesLists?.map((row) => ('List' in row ? row.List.items?.[0] : undefined));
  const [target] = source.targetList ?? [];
  const values = rows ?? [target !== undefined && 'ResTarget' in target ? target.ResTarget.val : undefined];
  return values.includes(undefined) ? [] : values.filter((value) => value !== undefined);
}

function checkChange(
  change: Pick<UpdateStmt, 'relation' | 'whereClause' | 'withClause' | 'returningClause' | 'targetList'>,
  fromClause: Node[] | undefined,
  { outer, context }: { outer: Scope; context: WallContext },
): void {
  const scope = openScope(change.withClause, outer, context);
  addTable(change.relation ?? {}, scope, context);
  checkReferences({ ...change, ...(fromClause && { fromClause }) }, scope, context);
  refuseNewOwner(change.targetList, context);
  checkTargets(change.returningClause?.exprs, scope, context);
  checkNested({ ...change, fromClause }, scope, context);
}

function refuseNewOwner(assignments: Node[] | undefined, context: WallContext): void {
  const isOwner = (node: Node): boolean => 'ResTarget' in node && node.ResTarget.name === 'user_id';
  if (assignments?.some(isOwner)) context.report('a row is given to another user');
}

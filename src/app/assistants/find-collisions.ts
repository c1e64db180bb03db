import type { CatalogueEntry } from '../../base/errors.ts';
import type { AssistantRoute } from '../../kit/index.ts';
import type { FoundAssistant } from './found-assistant.ts';
import { reservedWords } from './reserved-words.ts';

/** As a schema of Postgres, the start of a tool's name and the start of an error's code, which all take this form. */
const NAME = /^[a-z][a-z0-9]{0,29}$/;
const PART = /^[a-z][a-z0-9_]{0,29}$/;
/** `listItems`: its first letter, made a capital, tells where in `todoListItems` the assistant's name ends. */
const ROUTE_NAME = /^[a-z][a-zA-Z0-9]*$/;
/** `/items/:item_id`. Anything else, such as `items` or `/../todo`, would lead out of `/api/<name>`. */
const PATH = /^(?:\/:?[\w-]+)+$/;

/** What else is at `/api/<name>`, in the database, or among the jobs or statements under this name. */
const TAKEN = ['accounts', 'activity', 'auth', 'doctor', 'health', 'public', 'referrals', 'users'];

/** What is there more than once, each named once. */
function findRepeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

/** What is wrong with what routes are called. */
function findFaultyNames(routes: readonly AssistantRoute[]): string[] {
  const addressOf = ({ method, path }: AssistantRoute) => `${method} ${path}`;
  // A start does not ask the compiler whether there is a name.
  const isNamed = ({ name }: AssistantRoute) => ROUTE_NAME.test(name ?? '');
  const unnamed = routes.filter((route) => !isNamed(route)).map(addressOf);
  const addressesOf = (wanted: string) => routes.filter(({ name }) => name === wanted).map(addressOf);
  return [
    ...unnamed.map((address) => `the route ${address} must have a name such as "listItems"`),
    ...findRepeated(routes.filter(isNamed).map(({ name }) => name)).map(
      (name) => `routes are called ${name} alike: ${addressesOf(name).join(', ')}`,
    ),
  ];
}

function findOwnFaults({ name, tools, routes = [], jobs = [], errors }: FoundAssistant): string[] {
  const toolNames = tools.map((tool) => tool.name);
  const jobNames = jobs.map((job) => job.name);
  // What a parameter is called tells no address from another.
  const addresses = routes.map(({ method, path }) => `${method} /api/${name}${path.replaceAll(/:\w+/g, ':id')}`);
  const foreign = (errors?.catalogue ?? []).filter(({ code }) => !code.startsWith(`${name}.`));
  return [
    ...toolNames.filter((tool) => !PART.test(tool)).map((tool) => `${name}: a tool cannot be called "${tool}"`),
    ...findRepeated(toolNames).map((tool) => `${name}: two tools are called ${name}_${tool}`),
    ...jobNames.filter((job) => !PART.test(job)).map((job) => `${name}: a job cannot be called "${job}"`),
    // Bound by the context: one that the job takes itself would not be checked, and never reach it.
    ...jobs
      .filter(({ input }) => Object.hasOwn(Object(input.properties), 'user_id'))
      .map((job) => `${name}: the input of the job ${job.name} must leave out \`user_id\`, which its context has`),
    ...findRepeated(jobNames).map((job) => `${name}: two jobs are called ${name}.${job}`),
    ...routes
      .filter(({ path }) => !PATH.test(path))
      .map(({ path }) => `${name}: a route cannot be at "${path}", only at such as "/items/:item_id"`),
    ...findFaultyNames(routes).map((fault) => `${name}: ${fault}`),
    ...findRepeated(addresses).map((address) => `${name}: two routes are ${address}`),
    ...foreign.map(({ code }) => `${name}: the error ${code} must begin with "${name}."`),
  ];
}

/**
 * What keeps assistants from being in one server, as sentences; empty when nothing does. What each has begins with its
 * name (tools, routes, jobs, errors, statements, its schema), so two can only collide by their names.
 */
export function findCollisions(
  assistants: readonly FoundAssistant[],
  coreErrors: readonly Pick<CatalogueEntry, 'code'>[],
): string[] {
  const names = assistants.map(({ name }) => name);
  const taken = new Set([...TAKEN, ...coreErrors.map(({ code }) => code.slice(0, code.indexOf('.')))]);
  return [
    ...names
      .filter((name) => !NAME.test(name))
      .map((name) => `${name}: an assistant's name is lower-case letters and digits`),
    ...names.filter((name) => taken.has(name)).map((name) => `${name}: the server itself uses this name`),
    ...names
      .filter((name) => reservedWords.has(name))
      .map((name) => `${name}: Postgres reserves this word, so no schema is called so; choose another name`),
    ...findRepeated(names).map((name) => `${name}: two assistants have this name`),
    ...assistants.flatMap(findOwnFaults),
  ];
}

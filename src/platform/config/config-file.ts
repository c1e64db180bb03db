import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseDocument, YAMLError } from 'yaml';
import type { Environment, Parsed } from './parsed.ts';

/** A file that a variable names. What it must hold is for the feature to say that reads it. */
export interface ConfigFile {
  readonly path: string;
  readonly content: unknown;
  /** The environment variables that it names in fields whose names end in `_env`: secrets do not stand in files. */
  readonly named: Readonly<Record<string, string>>;
}

/** How an environment variable is called, as a pattern. Capitals alone, so that hardly a key that was put there is taken for one. */
export const VARIABLE_NAME = '^[A-Z_][A-Z0-9_]*$';
const variableName = new RegExp(VARIABLE_NAME);

/** The names of variables in all fields, at any depth, whose names end in `_env`. What else stands there may be a secret. */
function namesIn(content: unknown): string[] {
  if (typeof content !== 'object' || content === null) return [];
  return Object.entries(content).flatMap(([key, value]) => {
    if (!key.endsWith('_env') || typeof value !== 'string') return namesIn(value);
    return variableName.test(value) ? [value] : [];
  });
}

/** What a file of YAML or JSON holds. A tag that nobody knows is refused too: what follows it would be taken as it stands. */
function parse(text: string): unknown {
  // At another level it would write its warnings, with the lines that they are about.
  const document = parseDocument(text, { logLevel: 'error' });
  const [fault] = [...document.errors, ...document.warnings];
  if (fault) throw fault;
  return document.toJS();
}

/** Where and what the fault is, as `: line 2, column 1 (duplicate key)`, without a word of the file, which may hold a secret. */
function describeFault(error: unknown): string {
  if (!(error instanceof YAMLError)) return '';
  const place = error.linePos?.[0];
  const where = place ? `: line ${place.line}, column ${place.col}` : '';
  return `${where} (${error.code.toLowerCase().replaceAll('_', ' ')})`;
}

/** Reads a file of YAML or JSON, and what it names of the environment. */
export function readConfigFile(path: string, environment: Environment): Parsed<ConfigFile> {
  let content: unknown;
  try {
    content = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const isRead = !(error as { code?: string }).code?.startsWith('E');
    const unreadable = `there is no file that can be read at ${resolve(path)}`;
    return { problem: isRead ? `the file is neither YAML nor JSON${describeFault(error)}` : unreadable };
  }
  const named: Record<string, string> = {};
  const missing = new Set<string>();
  for (const name of namesIn(content)) {
    const value = environment[name];
    if (value === undefined || value.trim() === '') missing.add(name);
    else named[name] = value;
  }
  if (missing.size > 0) return { problem: `the file names variables that are not set: ${[...missing].join(', ')}` };
  return { value: { path, content, named } };
}

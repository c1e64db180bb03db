/** What to do about a data directory that cannot be used. */
export const MEND_DATA_DIRECTORY = 'Give it to the user that the server runs as, or set DATA_DIR to another directory.';

/** Tells who starts a server that its data directory cannot be used, why, and what to do. */
export function dataDirectoryError(directory: string, cause: Error): Error {
  return new Error(`DATA_DIR ${directory} cannot be used: ${cause.message}. ${MEND_DATA_DIRECTORY}`, { cause });
}

/** Tells who starts a server that its data directory cannot be used, why, and what to do. */
export function dataDirectoryError(directory: string, cause: Error): Error {
  const advice = 'Give it to the user that the server runs as, or set DATA_DIR to another directory.';
  return new Error(`DATA_DIR ${directory} cannot be used: ${cause.message}. ${advice}`, { cause });
}

/** Thrown by the handler of a job where no later try can do better, with why as its cause: the job is set aside at once. */
export class UnrecoverableError extends Error {
  override readonly name = 'UnrecoverableError';

  constructor(cause: unknown) {
    super('no later try can do better', { cause });
  }
}

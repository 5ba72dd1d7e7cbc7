/** A hash that a proof needs is not in the file: it was pruned, or the log does not reach so far. */
export class NotStoredError extends Error {
  readonly code = 'not_stored';

  constructor(level: number, index: number) {
    super(`the hash of node ${index} at level ${level} is not stored`);
    this.name = 'NotStoredError';
  }
}

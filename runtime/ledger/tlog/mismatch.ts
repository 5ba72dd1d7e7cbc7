/** What is stored of the log and what it should be differ. */
export class Mismatch extends Error {
  readonly code = 'mismatch';

  constructor(what: string) {
    super(what);
    this.name = 'Mismatch';
  }
}

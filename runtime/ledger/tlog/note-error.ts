type NoteErrorCode =
  | 'note_malformed'
  | 'note_unsigned'
  | 'note_forged'
  | 'checkpoint_malformed'
  | 'key_malformed';

/** A note, checkpoint or verifier key that cannot be trusted. The message says why. */
export class NoteError extends Error {
  readonly code: NoteErrorCode;

  constructor(code: NoteErrorCode, message: string) {
    super(message);
    this.name = 'NoteError';
    this.code = code;
  }
}

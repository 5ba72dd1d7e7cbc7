/** Why a request to the outside was not made or not taken. */
export const outgoingFaults = [
  'bad_url',
  'not_listed',
  'unresolved',
  'private_address',
  'redirect',
  'unreachable',
  'timeout',
  'too_long',
  'unreadable',
  'aborted',
] as const;
export type OutgoingFault = (typeof outgoingFaults)[number];

/** A request to the outside that was refused or failed; the message is ours and may be read by the model. */
export class OutgoingError extends Error {
  constructor(
    readonly code: OutgoingFault,
    message: string,
  ) {
    super(message);
    this.name = 'OutgoingError';
  }
}

export interface OutgoingAnswer {
  status: number;
  /** Value of Content-Type; empty when there was none. */
  type: string;
  /** The body, as UTF-8. */
  text: string;
}

/** Requests that a model or a user causes. */
export interface Outgoing {
  /** One GET to a listed host. @throws OutgoingError */
  get(url: string, signal: AbortSignal): Promise<OutgoingAnswer>;
}

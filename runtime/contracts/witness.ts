/** The answer to an `add-checkpoint` that was understood. */
export type WitnessAnswer =
  /** Signature lines, each with its newline. */
  | { cosignatures: string }
  /** The old size of the request is not this one, which was cosigned last; or the same size was cosigned with another root. */
  | { conflict: number };

export interface WitnessStatus {
  /** Verifier key under which this device cosigns; absent where it is no witness. */
  key?: string;
  /** Requests since the start by how they ended. */
  given: { cosigned: number; conflict: number; refused: number };
  /** The logs it is a witness of, and the last tree of each that it cosigned. */
  logs: { origin: string; size: number; time_ms: number | null }[];
  /** The witnesses of our own log: what each is known to have cosigned last, and what came of asking since the start. */
  asked: { name: string; size: number; cosigned: number; failed: number; problem?: string }[];
}

/** Cosignatures, C2SP tlog-witness and tlog-cosignature: those that this device gives to other logs, and those that others gave to its own. */
export interface Witness {
  /**
   * Cosigns a checkpoint of a configured log that is consistent with the last one; resolves when that is durable.
   * @param request The body of `add-checkpoint`.
   * @param client Whoever asks, for the rate limit.
   * @throws AppError `invalid_request`, `not_found` for another log, `untrusted_signature`, `proof_invalid`, `rate_limited`,
   * `ledger_unavailable` where it cannot be made durable.
   */
  addCheckpoint(request: string, client: string): Promise<WitnessAnswer>;
  /** The newest checkpoint of our own log that a witness cosigned, with every cosignature that came for it; undefined before the first. */
  cosigned(): string | undefined;
  status(): WitnessStatus;
}

/** How one round ended. Times in ms. */
export interface Outcome {
  /** From the fault until the service was there again. */
  sinceFaultMs: number;
  /** From the first moment at which the fault could be known. */
  sinceKnownMs: number;
  /** The incident that was opened instead. */
  incident?: string;
}

/** A server that is ready to be broken, several times. */
export interface Scene {
  /** Breaks it once, and resolves when it serves again or has told a person. @throws Error when it did neither. */
  round(random: () => number): Promise<Outcome>;
  /** After the last round: what must still hold. */
  verify?(): Promise<void>;
  close(): Promise<void>;
}

export interface FaultKind {
  name: string;
  /** What is broken, how, and what counts as restored. */
  about: string;
  /** What the time since the fault could be known has to wait for that is not ours. */
  waitsFor?: string;
  /** Why it cannot be done on this machine; undefined when it can. */
  missing?(): string | undefined;
  open(): Promise<Scene>;
}

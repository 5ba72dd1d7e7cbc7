/** What is watched. */
const parts = ['http', 'ledger', 'pool', 'sandbox'] as const;
export type Part = (typeof parts)[number];

/**
 * Heartbeats in shared memory, so that the watchdog's thread reads them while every other thread may be stuck. One slot a watched part, of
 * five 32-bit words:
 *
 *   state (0 free, 1 at rest, 2 watched) │ part │ process id │ may be silent for, ms │ last heartbeat, ms
 *
 * Times are those of process.hrtime, which all threads share, modulo 2³²: ages are right up to 24 days.
 */
const words = 5;
const slots = 128;
const free = 0;
const atRest = 1;
const watched = 2;

/** Now, on the clock of the heartbeats. */
export function beatMs(): number {
  return Number((process.hrtime.bigint() / 1_000_000n) & 0xffff_ffffn) | 0;
}

/** What a slot said when it was read. */
export interface Watched {
  slot: number;
  part: Part;
  /** Of the process of a sandbox; 0 for our own threads. */
  pid: number;
  silentMsMax: number;
  /** Since the last heartbeat. */
  ageMs: number;
}

/** Where another thread finds its slot. */
export interface SlotPlace {
  memory: SharedArrayBuffer;
  slot: number;
}

/** The writing end of one slot. */
export class Heart {
  readonly #words: Int32Array;
  readonly #at: number;

  constructor(readonly place: SlotPlace) {
    this.#words = new Int32Array(place.memory);
    this.#at = place.slot * words;
  }

  /** Says that it lives, and that it is to be watched from now on. */
  beat(): void {
    Atomics.store(this.#words, this.#at + 4, beatMs());
    Atomics.store(this.#words, this.#at, watched);
  }

  /** Has nothing to do, and is not missed. */
  rest(): void {
    Atomics.store(this.#words, this.#at, atRest);
  }

  /** Gives the slot back; nothing may be called after. */
  free(): void {
    Atomics.store(this.#words, this.#at, free);
  }
}

export class Beats {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(memory = new SharedArrayBuffer(slots * words * Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  /** A slot, at rest; undefined when all are taken. For one thread only. `silentMsMax` is 1 to 2^31 - 1. */
  take({ part, pid = 0, silentMsMax }: { part: Part; pid?: number; silentMsMax: number }): Heart | undefined {
    for (let slot = 0; slot < slots; slot++) {
      const at = slot * words;
      if (Atomics.load(this.#words, at) !== free) continue;
      this.#words[at + 1] = parts.indexOf(part);
      this.#words[at + 2] = pid;
      this.#words[at + 3] = silentMsMax;
      Atomics.store(this.#words, at, atRest);
      return new Heart({ memory: this.memory, slot });
    }
    return undefined;
  }

  /** Every part that is watched now. */
  read(nowMs = beatMs()): Watched[] {
    const found: Watched[] = [];
    for (let slot = 0; slot < slots; slot++) {
      const at = slot * words;
      if (Atomics.load(this.#words, at) !== watched) continue;
      const part = parts[this.#words[at + 1]!]!;
      const ageMs = Math.max(0, (nowMs - Atomics.load(this.#words, at + 4)) | 0);
      found.push({ slot, part, pid: this.#words[at + 2]!, silentMsMax: this.#words[at + 3]!, ageMs });
    }
    return found;
  }
}

import type { JsonObject } from '../../contracts/json.js';

/** What a projection sees of an event, in the order of the log; `data` is that of the leaf, as it was recorded. */
export interface ProjectedEvent {
  index: number;
  type: string;
  stream: string | null;
  time_ms: number;
  monotonic_ms: number;
  boot_id: string;
  data: JsonObject;
}

/**
 * A view that is made from the events alone: the same events give the same state, whether they came one by one or all at once. It holds a
 * bounded state, whatever the length of the log.
 */
export interface Projection<State> {
  readonly name: string;
  initial(): State;
  /** Changes the state. */
  apply(state: State, event: ProjectedEvent): void;
}

/** Takes events into one projection and knows where it is. */
export class Projected<State> {
  readonly #projection: Projection<State>;
  readonly state: State;
  #next = 0;

  constructor(projection: Projection<State>) {
    this.#projection = projection;
    this.state = projection.initial();
  }

  /** Index of the next event that it wants; those before were taken in, or were pruned before it saw them. */
  get next(): number {
    return this.#next;
  }

  /** @throws RangeError for an event that it has had already. */
  take(event: ProjectedEvent): void {
    if (event.index < this.#next) throw new RangeError(`event ${event.index} was taken in before`);
    this.#projection.apply(this.state, event);
    this.#next = event.index + 1;
  }
}

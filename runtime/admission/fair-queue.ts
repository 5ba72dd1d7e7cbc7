/** A queue that is taken from in turn between clients, first come first served within each. Add and take are O(1). */
export class FairQueue<T> {
  readonly #clientOf: (item: T) => string;
  /** In the order of turns: the client that was served goes to the end. */
  readonly #clients = new Map<string, T[]>();
  #size = 0;

  constructor(clientOf: (item: T) => string) {
    this.#clientOf = clientOf;
  }

  get size(): number {
    return this.#size;
  }

  add(item: T): void {
    const client = this.#clientOf(item);
    const items = this.#clients.get(client);
    if (items === undefined) this.#clients.set(client, [item]);
    else items.push(item);
    this.#size += 1;
  }

  take(): T | undefined {
    const first = this.#clients.entries().next();
    if (first.done) return undefined;
    const [client, items] = first.value;
    const item = items.shift();
    this.#clients.delete(client);
    if (items.length > 0) this.#clients.set(client, items);
    this.#size -= 1;
    return item;
  }

  /** Whether it was there. */
  remove(item: T): boolean {
    const client = this.#clientOf(item);
    const items = this.#clients.get(client);
    const index = items?.indexOf(item) ?? -1;
    if (items === undefined || index < 0) return false;
    items.splice(index, 1);
    if (items.length === 0) this.#clients.delete(client);
    this.#size -= 1;
    return true;
  }
}

import { AppError } from '../contracts/errors.js';
import { asAppError } from '../contracts/failure.js';
import type { ModelWork } from '../contracts/models.js';

/** Most that is remembered, done or not. */
const worksMax = 32;

/** One piece of work. */
class Work {
  readonly #news: ModelWork;
  readonly #ending = new AbortController();
  /** Whether something runs on its behalf; an upload between two pieces waits. */
  #busy = true;
  #running: Promise<void> = Promise.resolve();

  constructor(news: ModelWork) {
    this.#news = news;
  }

  get busy(): boolean {
    return this.#busy;
  }

  news(): ModelWork {
    return { ...this.#news };
  }

  tell(news: Partial<ModelWork>): void {
    Object.assign(this.#news, news);
  }

  /** Waits for the next piece of an upload. */
  pause(): ModelWork {
    this.#busy = false;
    return this.news();
  }

  /** Goes on behind the caller's back; what it comes to is in its news. */
  goOn(act: (signal: AbortSignal) => Promise<void>): ModelWork {
    this.#running = act(this.#ending.signal).then(
      () => this.#over({ state: 'done' }),
      (error: unknown) => this.#over({ state: 'failed', problem: problemOf(error) }),
    );
    return this.news();
  }

  /** What is done while the caller waits; when that fails, it is over. */
  async during(act: () => Promise<ModelWork>): Promise<ModelWork> {
    try {
      return await act();
    } catch (error) {
      this.#over({ state: 'failed', problem: problemOf(error) });
      throw error;
    }
  }

  async end(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  #over(news: Partial<ModelWork>): void {
    this.tell(news);
    this.#busy = false;
  }
}

function problemOf(error: unknown): string {
  // The words of an error of ours, or of the sandbox, which has only words of ours.
  if (error instanceof Error && 'code' in error && error.name === 'SandboxError') return error.message;
  return asAppError(error).message;
}

/** What is being done with models, one at a time for each name, and how it went last. */
export class Works {
  readonly #works = new Map<string, Work>();

  all(): ModelWork[] {
    return [...this.#works.values()].map((work) => work.news());
  }

  /** @throws AppError `conflict` while something is done with this name, or with as many as there may be. */
  begin(news: ModelWork): Work {
    const before = this.#works.get(news.name);
    if (before?.busy === true)
      throw new AppError(
        'conflict',
        `Something is being done with ${news.name} already; wait, or remove it.`,
      );
    this.#works.delete(news.name);
    if (this.#works.size >= worksMax) {
      const over = [...this.#works].find(([, work]) => !work.busy)?.[0];
      if (over === undefined)
        throw new AppError('conflict', `${worksMax} models are being worked on, which is the most.`);
      this.#works.delete(over);
    }
    const work = new Work(news);
    this.#works.set(news.name, work);
    return work;
  }

  /** Ends what is done with a name, and forgets it. */
  async end(name: string): Promise<void> {
    await this.#works.get(name)?.end();
    this.#works.delete(name);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#works.values()].map((work) => work.end()));
  }
}

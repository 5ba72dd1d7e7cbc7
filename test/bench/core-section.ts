/** One line of the table. */
export interface Figure {
  what: string;
  value: number;
  unit: string;
  /** The largest value that is good enough, in the same unit. */
  aim?: number;
}

/** What one part of `bench:core` found. Each part is a process of its own, so that none finds code compiled for another. */
export interface Section {
  title: string;
  /** What is counted and with what. */
  notes: string[];
  figures: Figure[];
  /** What must never be: the benchmark fails. */
  faults: string[];
}

export const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;

/** Runs each task once per round, all of them in turn, after some rounds that do not count. Each gives its own figure. */
export async function inTurn<Name extends string>(
  rounds: number,
  tasks: Record<Name, () => number | Promise<number>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(tasks) as Name[];
  const seen = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  const warmUps = Math.ceil(rounds / 10);
  for (let round = -warmUps; round < rounds; round++) {
    for (const name of names) {
      const figure = await tasks[name]();
      if (round >= 0) seen[name].push(figure);
    }
  }
  return seen;
}

/** Median over the rounds of what two figures of the same round give. */
export function paired(a: number[], b: number[], figure: (a: number, b: number) => number): number {
  return median(a.map((value, round) => figure(value, b[round]!)));
}

/** Nanoseconds that one of `count` calls takes. */
export function nsEach(count: number, loop: (count: number) => void): number {
  const began = performance.now();
  loop(count);
  return ((performance.now() - began) * 1e6) / count;
}

export const endOfTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Ends this process with what it found. */
export function report(section: Section): void {
  process.send?.(section, () => process.exit(0));
}

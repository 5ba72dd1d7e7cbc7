import { Worker } from 'node:worker_threads';

/** Starts one thread for each task with it as workerData, and gives back the one message that each sends. */
export function runThreads<Result>(script: URL, tasks: readonly object[]): Promise<Result[]> {
  return Promise.all(
    tasks.map(
      (workerData) =>
        new Promise<Result>((resolve, reject) => {
          let result: { value: Result } | undefined;
          const worker = new Worker(script, { workerData });
          worker.once('message', (value: Result) => {
            result = { value };
          });
          worker.once('error', reject);
          worker.once('exit', (code) => (result ? resolve(result.value) : reject(new Error(`exit ${code}`))));
        }),
    ),
  );
}

/** Two i32: threads that have arrived, and the number of the round. */
export function createGate(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(8));
}

/** Waits for the other threads; spins first, so that they go on at the same moment. */
export function meet(gate: Int32Array<SharedArrayBuffer>, threads: number): void {
  const round = Atomics.load(gate, 1);
  if (Atomics.add(gate, 0, 1) === threads - 1) {
    Atomics.store(gate, 0, 0);
    Atomics.add(gate, 1, 1);
    return;
  }
  for (let spins = 0; Atomics.load(gate, 1) === round; spins++) {
    if (spins > 20_000) Atomics.wait(gate, 1, round, 1);
  }
}

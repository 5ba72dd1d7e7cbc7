import type { JsonValue } from '../contracts/json.js';
import { type BatchResult, type ReplayBatch, replayBatch } from './batch.js';
import type { Difference, RecordedDecision } from './compare.js';

/** Decisions in one message to a thread. */
const batchDecisions = 512;
/** Batches that may be out at once. */
const batchesMax = 16;

export interface ReplayOptions {
  /** Pages of recorded decisions, in order of their index. */
  pages: AsyncIterable<RecordedDecision[]>;
  /** Where the modules are kept. */
  dataDir: string;
  /** Threads that replay; rejects when the thread dies. */
  pool: { replay(batch: ReplayBatch): Promise<BatchResult> };
  /** Told each time that the pool failed at a batch. */
  onPoolFailure: (error: unknown) => void;
  /** Told how many decisions are done, after each batch. */
  onProgress: (decisions: number) => void;
}

export interface ReplayReport {
  agreed: number;
  differ: number;
  first?: Difference;
  /** Decisions whose core cannot be asked, by its hash, and why. */
  otherCores: Map<string, { decisions: number; why: string }>;
}

/** Replays recorded decisions in the threads of a pool. A batch whose thread dies is sent once more, then replayed here. */
export async function replayDecisions(options: ReplayOptions): Promise<ReplayReport> {
  const report: ReplayReport = { agreed: 0, differ: 0, otherCores: new Map() };
  const out = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let done = 0;
  const send = async (batch: ReplayBatch): Promise<void> => {
    try {
      add(report, batch, await run(batch, options));
    } catch (error) {
      failures.push(error);
    }
    done += batch.decisions.length;
    options.onProgress(done);
  };
  try {
    for await (const page of options.pages) {
      for (const batch of batchesOf(page, options.dataDir)) {
        if (out.size >= batchesMax) await Promise.race(out);
        if (failures.length > 0) throw failures[0];
        const sent = send(batch).then(() => {
          out.delete(sent);
        });
        out.add(sent);
      }
    }
  } finally {
    await Promise.all(out);
  }
  if (failures.length > 0) throw failures[0];
  return report;
}

/** By core, in pieces. */
function* batchesOf(page: readonly RecordedDecision[], dataDir: string): Generator<ReplayBatch> {
  const batches = new Map<string, ReplayBatch>();
  for (const decision of page) {
    const coreSha256 = coreName(decision.data.core_sha256);
    let batch = batches.get(coreSha256);
    if (batch === undefined) {
      batch = { dataDir, coreSha256, decisions: [] };
      batches.set(coreSha256, batch);
    }
    batch.decisions.push(decision);
    if (batch.decisions.length < batchDecisions) continue;
    yield batch;
    batches.delete(coreSha256);
  }
  yield* batches.values();
}

/** What a record says is its core; it may say anything. */
const coreName = (value: JsonValue | undefined) =>
  typeof value === 'string' && value.length <= 64 ? value : 'none';

async function run(batch: ReplayBatch, { pool, onPoolFailure }: ReplayOptions): Promise<BatchResult> {
  for (let tries = 0; tries < 2; tries++) {
    try {
      return await pool.replay(batch);
    } catch (error) {
      onPoolFailure(error);
    }
  }
  return replayBatch(batch);
}

function add(report: ReplayReport, { coreSha256, decisions }: ReplayBatch, result: BatchResult): void {
  if ('otherCore' in result) {
    const known = report.otherCores.get(coreSha256)?.decisions ?? 0;
    report.otherCores.set(coreSha256, { decisions: known + decisions.length, why: result.otherCore });
    return;
  }
  report.agreed += result.agreed;
  report.differ += result.differ;
  const { first } = result;
  if (first !== undefined && (report.first === undefined || first.index < report.first.index)) {
    report.first = first;
  }
}

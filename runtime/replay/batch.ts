import { coreModule, RecordedCore } from '../../core-wasm/index.js';
import { type Comparison, compareDecisions, type RecordedDecision } from './compare.js';
import { readCore } from './cores.js';

/** Decisions of one core; small enough for a message, large enough to be worth one. */
export interface ReplayBatch {
  dataDir: string;
  coreSha256: string;
  decisions: RecordedDecision[];
}

/** Compared, or why the core that made them cannot be asked. */
export type BatchResult = Comparison | { otherCore: string };

/** Cores that one thread keeps, each with some MiB of memory. */
const coresMax = 4;
const cores = new Map<string, RecordedCore | string>();

/** Replays one batch in this thread. */
export function replayBatch({ dataDir, coreSha256, decisions }: ReplayBatch): BatchResult {
  const core = loadCore(dataDir, coreSha256);
  return typeof core === 'string' ? { otherCore: core } : compareDecisions(core, decisions);
}

/** The core of that hash, or why there is none. */
function loadCore(dataDir: string, sha256: string): RecordedCore | string {
  const known = cores.get(sha256);
  if (known !== undefined) return known;
  const installed = coreModule();
  const bytes = installed.sha256 === sha256 ? installed.bytes : readCore(dataDir, sha256);
  // Not remembered: the folder may have it later.
  if (bytes === undefined) return 'its module is not in the data folder, or damaged';
  const made = instantiate(bytes);
  if (cores.size >= coresMax) cores.delete(cores.keys().next().value!);
  cores.set(sha256, made);
  return made;
}

function instantiate(bytes: Uint8Array): RecordedCore | string {
  try {
    return new RecordedCore(bytes);
  } catch (error) {
    return `this version cannot drive it: ${error instanceof Error ? error.message : String(error)}`;
  }
}

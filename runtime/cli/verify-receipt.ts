import { z } from 'zod';
import { inclusionProof } from '../ledger/merkle/proof.js';
import { verifyInclusion } from '../ledger/merkle/verify.js';
import { parseCheckpoint } from '../ledger/tlog/checkpoint.js';
import type { LogReader } from '../ledger/tlog/log-reader.js';
import { openNote } from '../ledger/tlog/note.js';
import type { NoteVerifier } from '../ledger/tlog/note-key.js';
import { CliFailure } from './failure.js';
import { type Answer, answerIn } from './verify-answer.js';

const hash = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits');
const position = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const place = { index: position, leaf_hash: hash };
const proofShape = z.object({
  ...place,
  size: position,
  hashes: z.array(hash).max(64),
  checkpoint: z.string(),
});

/** What somebody was told about one event. */
export interface ReadReceipt {
  index: number;
  leafHash: string;
  /** That it is in the tree of a signed checkpoint. */
  proof?: { size: number; hashes: string[]; checkpoint: string };
  /** What the file says beside it; absent in a file that is the receipt alone. */
  answer?: Answer;
}

const holder = z.object({ receipt: z.object(place).loose() }).loose();
const holding = z.union([holder, z.object({ arkalia: holder }).transform(({ arkalia }) => arkalia)]);

/**
 * Takes the receipt out of an answer: itself, or below `receipt`, of a client's API below `arkalia.receipt`; its proof beside it or below
 * `proof`, as /ledger/proof/inclusion gives.
 * @throws CliFailure when there is none.
 */
export function readReceipt(text: string, file: string): ReadReceipt {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CliFailure(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}.`);
  }
  const within = holding.safeParse(value).data;
  const receipt = z
    .object({ ...place, proof: z.unknown().optional() })
    .loose()
    .safeParse(within?.receipt ?? value);
  if (!receipt.success) {
    throw new CliFailure(`${file} holds no receipt: ${z.prettifyError(receipt.error)}`);
  }
  const { index, leaf_hash: leafHash } = receipt.data;
  const read = { index, leafHash, ...(within === undefined ? {} : { answer: answerIn(value, within) }) };
  const proof = proofShape.safeParse(receipt.data.proof ?? receipt.data);
  if (!proof.success) return read;
  if (proof.data.index !== index || proof.data.leaf_hash !== leafHash) {
    throw new CliFailure(`Does not hold: the proof in ${file} is of another event than the receipt.`);
  }
  const { size, hashes, checkpoint } = proof.data;
  return { ...read, proof: { size, hashes, checkpoint } };
}

/**
 * Checks a receipt by its own proof, or by the log; says what was found.
 * @throws CliFailure when it does not hold; NoteError for the checkpoint.
 */
export function checkReceipt(
  receipt: ReadReceipt,
  verifier: NoteVerifier,
  log: LogReader | undefined,
): string {
  const { index, leafHash, proof } = receipt;
  // Of a pruned event the proof is all there is, and enough.
  const isPruned = proof !== undefined && log !== undefined && index < log.minimum();
  if (log !== undefined && !isPruned && recordedHash(log, index) !== leafHash) {
    throw new CliFailure(
      `Does not hold: event ${index} of this log is not the one of the receipt, whose leaf hash is ${leafHash}.`,
    );
  }
  const { size, hashes, note } =
    proof === undefined ? proofFrom(log!, index) : { ...proof, note: proof.checkpoint };
  const checkpoint = parseCheckpoint(openNote(note, [verifier]).text);
  const holds =
    checkpoint.origin === verifier.name &&
    checkpoint.size === size &&
    verifyInclusion({
      index,
      size,
      leafHash: Buffer.from(leafHash, 'hex'),
      root: checkpoint.root,
      proof: hashes.map((sibling) => Buffer.from(sibling, 'hex')),
    });
  if (!holds) {
    throw new CliFailure(
      `Does not hold: the proof does not lead from event ${index} to the checkpoint of size ${checkpoint.size}.`,
    );
  }
  return `Holds: event ${index} with leaf hash ${leafHash} is in the first ${size} events that ${verifier.name} signed.`;
}

function recordedHash(log: LogReader, index: number): string {
  const recorded = index < log.size() ? log.leafHashes(index, 1)?.toString('hex') : undefined;
  if (recorded !== undefined) return recorded;
  if (index < log.minimum()) {
    throw new CliFailure(
      `Event ${index} was pruned; the log begins at ${log.minimum()}. A receipt of such an event is checked with its proof of inclusion and --verifier.`,
    );
  }
  throw new CliFailure(`Does not hold: this log has no event ${index}; it has ${log.size()} events.`);
}

function proofFrom(log: LogReader, index: number): { size: number; hashes: string[]; note: string } {
  const last = log.lastCheckpoint();
  if (last === undefined || last.size <= index) {
    throw new CliFailure(
      `Event ${index} is recorded as the receipt says, but no checkpoint covers it yet: ask the running server for /ledger/proof/inclusion?index=${index}, or wait for the next one.`,
    );
  }
  const { size, note } = last;
  return {
    size,
    note,
    hashes: inclusionProof(log.node, { index, size }).map((sibling) => sibling.toString('hex')),
  };
}

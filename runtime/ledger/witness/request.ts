import { hashBytes } from '../merkle/node-hash.js';
import { strictBase64 } from '../tlog/base64.js';
import { NoteError } from '../tlog/note-error.js';

/** C2SP tlog-witness: no proof between sizes below 2^63 is longer. */
const proofLinesMax = 63;
/** Of a request and of an answer; a checkpoint with some signatures and the longest proof have about 4 KB. */
export const messageBytesMax = 65_536;

/** The body of C2SP tlog-witness `add-checkpoint`. */
export interface AddCheckpoint {
  /** Size of the last checkpoint that the witness cosigned, as the asker knows it. */
  oldSize: number;
  /** That the tree of the old size is the beginning of the tree of the checkpoint. */
  proof: Uint8Array[];
  /** The checkpoint, a signed note. */
  note: string;
}

export function formatAddCheckpoint({ oldSize, proof, note }: AddCheckpoint): string {
  const lines = proof.map((hash) => `${Buffer.from(hash).toString('base64')}\n`);
  return `old ${oldSize}\n${lines.join('')}\n${note}`;
}

/** @throws NoteError `request_malformed`. What stands in the note is not looked at. */
export function parseAddCheckpoint(text: string): AddCheckpoint {
  const blank = text.indexOf('\n\n');
  if (blank < 0) throw malformed('no blank line in front of the checkpoint');
  const [first = '', ...lines] = text.slice(0, blank).split('\n');
  const oldSize = parseSize(/^old (.+)$/.exec(first)?.[1]);
  if (oldSize === undefined) throw malformed('its first line is "old" and a size without leading zeroes');
  if (lines.length > proofLinesMax) throw malformed(`a proof has at most ${proofLinesMax} hashes`);
  const proof = lines.map((line) => {
    const hash = strictBase64(line);
    if (hash?.byteLength === hashBytes) return hash;
    throw malformed(`each line of the proof is ${hashBytes} bytes in base64`);
  });
  return { oldSize, proof, note: text.slice(blank + 2) };
}

/** A size in decimal, without leading zeroes; undefined for anything else. */
export function parseSize(text: string | undefined): number | undefined {
  if (text === undefined || !/^(0|[1-9]\d*)$/.test(text)) return undefined;
  const size = Number(text);
  return Number.isSafeInteger(size) ? size : undefined;
}

function malformed(why: string): NoteError {
  return new NoteError('request_malformed', `not an add-checkpoint request: ${why}`);
}

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ClassifierModel } from '../../../core-wasm/index.js';

// The file of the weights.
//
//   0          8           12        12 + length
//   ├ ARKGUARD ┼ length u32 ┼ header… ┼ 2^bits × i8 of the head `prompt` ┼ those of the head `document` ┤
//
// The header is JSON, numbers are little-endian.

const MAGIC = 'ARKGUARD';
const HEADER_AT = 12;
const HEADER_BYTES_MAX = 65_536;
/** Largest file that is read: two heads of 2^17 weights and the header. */
export const MODEL_BYTES_MAX = HEADER_AT + HEADER_BYTES_MAX + (2 << 17);

/** Stricter levels have lower thresholds; `notice` is below all of them: from there on a text is flagged. */
const thresholdsSchema = z
  .strictObject({
    low: z.number(),
    medium: z.number(),
    high: z.number(),
    paranoid: z.number(),
    notice: z.number(),
  })
  .refine(
    ({ low, medium, high, paranoid, notice }) =>
      low >= medium && medium >= high && high >= paranoid && paranoid >= notice,
    'thresholds must fall from low to notice',
  );

const headSchema = z.strictObject({
  scale: z.number().positive(),
  bias: z.number(),
  /** The head has 2^bits weights. */
  bits: z.int().min(8).max(17),
  /** Tokens of a window, and from one window to the next. 0: the whole text. */
  window: z.int().min(0).max(4096),
  step: z.int().min(1).max(4096),
  thresholds: thresholdsSchema,
});

const headerSchema = z.strictObject({
  format: z.literal(1),
  version: z.string().min(1).max(64),
  features: z.int(),
  /** In the mode `prompt` the score is that of the head `prompt` and this share of that of the head `document`. */
  document_share: z.number().min(0).max(4),
  prompt: headSchema,
  document: headSchema,
});

export type ModelHeader = z.infer<typeof headerSchema>;
export type ModelHead = z.infer<typeof headSchema>;

/** What a file of weights holds. */
export interface GuardModel {
  header: ModelHeader;
  core: ClassifierModel;
}

/** Reads a file of weights that has this SHA-256. Throws an Error that says what is wrong with it. */
export function decodeModel(file: Uint8Array, sha256: string): GuardModel {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (digest !== sha256) throw new Error(`its SHA-256 is ${digest}, not ${sha256}`);
  if (bytes.length < HEADER_AT || bytes.toString('latin1', 0, 8) !== MAGIC)
    throw new Error('it is no file of guard weights');
  const length = bytes.readUInt32LE(8);
  if (length > HEADER_BYTES_MAX || HEADER_AT + length > bytes.length)
    throw new Error(`its header has an impossible length, ${length} bytes`);
  const header = headerSchema.safeParse(parseJson(bytes.toString('utf8', HEADER_AT, HEADER_AT + length)));
  if (!header.success) throw new Error(`its header is not as it should be: ${z.prettifyError(header.error)}`);
  const { features, prompt, document } = header.data;
  const from = HEADER_AT + length;
  const middle = from + (1 << prompt.bits);
  const end = middle + (1 << document.bits);
  if (bytes.length !== end) throw new Error(`it must have ${end} bytes and has ${bytes.length}`);
  return {
    header: header.data,
    core: {
      features,
      sha256,
      heads: [
        { ...parts(prompt), weights: Int8Array.from(bytes.subarray(from, middle)) },
        { ...parts(document), weights: Int8Array.from(bytes.subarray(middle, end)) },
      ],
    },
  };
}

const parts = ({ scale, bias, bits }: ModelHead) => ({ scale, bias, bits });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error('its header is no JSON', { cause: error });
  }
}

/** The bytes of a file of weights. The same arguments give the same bytes. */
export function encodeModel(header: ModelHeader, heads: readonly [Int8Array, Int8Array]): Buffer {
  const json = Buffer.from(JSON.stringify(headerSchema.parse(header)));
  const start = Buffer.alloc(HEADER_AT);
  start.write(MAGIC, 'latin1');
  start.writeUInt32LE(json.length, 8);
  return Buffer.concat([
    start,
    json,
    ...heads.map((weights) => Buffer.from(weights.buffer, weights.byteOffset, weights.length)),
  ]);
}

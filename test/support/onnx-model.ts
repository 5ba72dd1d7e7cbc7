// A text classifier in ONNX (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), written by hand: each token has a figure for harmless
// and one for attacks, and a text has their sums.
//
//   input_ids [1, n] ── Gather(figures [tokens, 2]) ── × attention_mask [1, n, 1] ── ReduceSum over tokens ── logits [1, 2]

/** A field of a protocol buffer: an integer, or bytes with their length before them. */
function field(number: number, value: number | Buffer | string): Buffer {
  if (typeof value === 'number') return Buffer.concat([varint(number << 3), varint(value)]);
  const bytes = Buffer.from(value);
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left]);
    bytes.push((left % 128) | 128);
  }
}

const FLOAT = 1;
const INT64 = 7;

function tensor(name: string, type: number, dims: readonly number[], bytes: Uint8Array): Buffer {
  const sizes = dims.map((size) => field(1, size));
  return Buffer.concat([...sizes, field(2, type), field(8, name), field(9, Buffer.from(bytes))]);
}

function value(name: string, type: number, dims: readonly (number | string)[]): Buffer {
  const sizes = dims.map((size) => field(1, field(typeof size === 'number' ? 1 : 2, size)));
  const shape = field(2, Buffer.concat(sizes));
  return Buffer.concat([field(1, name), field(2, field(1, Buffer.concat([field(1, type), shape])))]);
}

function node(
  type: string,
  inputs: readonly string[],
  output: string,
  attributes: readonly Buffer[] = [],
): Buffer {
  return Buffer.concat([
    ...inputs.map((name) => field(1, name)),
    field(2, output),
    field(4, type),
    ...attributes.map((each) => field(5, each)),
  ]);
}

/** An attribute that is an integer; 2 is the kind that ONNX gives those. */
const attribute = (name: string, number: number) =>
  Buffer.concat([field(1, name), field(3, number), field(20, 2)]);

const int64 = (...numbers: number[]) => new Uint8Array(BigInt64Array.from(numbers, BigInt).buffer);

/** The bytes of the file. `figures`: of each token, first for harmless, then for attacks. */
export function onnxClassifier(figures: readonly (readonly [number, number])[]): Buffer {
  const table = new Uint8Array(Float32Array.from(figures.flat()).buffer);
  const graph = Buffer.concat([
    field(1, node('Gather', ['figures', 'input_ids'], 'gathered')),
    field(1, node('Cast', ['attention_mask'], 'counts', [attribute('to', FLOAT)])),
    field(1, node('Unsqueeze', ['counts', 'last'], 'column')),
    field(1, node('Mul', ['gathered', 'column'], 'kept')),
    field(1, node('ReduceSum', ['kept', 'tokens'], 'logits', [attribute('keepdims', 0)])),
    field(2, 'words'),
    field(5, tensor('figures', FLOAT, [figures.length, 2], table)),
    field(5, tensor('last', INT64, [1], int64(2))),
    field(5, tensor('tokens', INT64, [1], int64(1))),
    field(11, value('input_ids', INT64, [1, 'n'])),
    field(11, value('attention_mask', INT64, [1, 'n'])),
    field(12, value('logits', FLOAT, [1, 2])),
  ]);
  const operators = field(8, Buffer.concat([field(1, ''), field(2, 13)]));
  return Buffer.concat([field(1, 8), field(7, graph), operators]);
}

/** A tokenizer.json of whole words in lower case. */
export function wordTokenizer(words: readonly string[]): string {
  const vocab = Object.fromEntries(words.map((word, id) => [word, id]));
  return JSON.stringify({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: null,
    decoder: null,
    model: {
      ...{ type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##' },
      ...{ max_input_chars_per_word: 100, vocab },
    },
  });
}

import { saltBytes } from './commitment.js';
import { type AppendMessage, eventHeadBytes, noName } from './protocol.js';

/** One event of a batch; its bytes are views into the slab. */
export interface BatchEvent {
  type: string;
  module: string;
  stream: string | null;
  correlationId: string | null;
  timeMs: number;
  /** NaN: any. */
  expectedVersion: number;
  /** 0x00 and the leaf: what is hashed. */
  prefixed: Buffer;
  texts: { name: string; salt: Buffer; bytes: Buffer }[];
}

const noTexts: BatchEvent['texts'] = [];

/** Reads the events of a batch in their order, as protocol.ts draws them. */
export function readBatch(
  { count, slab, names, textNames }: AppendMessage,
  visit: (event: BatchEvent) => void,
): void {
  const bytes = Buffer.from(slab);
  const view = new DataView(slab);
  let head = 0;
  let text = 0;
  for (let i = 0; i < count; i++) {
    const stream = view.getUint32(head + 16, true);
    const leafAt = head + eventHeadBytes;
    const leafEnd = leafAt + 1 + view.getUint32(head + 20, true);
    let end = leafEnd + view.getUint32(head + 24, true);
    const event: BatchEvent = {
      type: names[view.getUint32(head + 8, true)]!,
      module: names[view.getUint32(head + 12, true)]!,
      stream: stream === noName ? null : names[stream]!,
      correlationId: end === leafEnd ? null : bytes.toString('utf8', leafEnd, end),
      timeMs: view.getFloat64(head, true),
      expectedVersion: view.getFloat64(head + 32, true),
      prefixed: bytes.subarray(leafAt, leafEnd),
      texts: noTexts,
    };
    const texts = view.getUint32(head + 28, true);
    if (texts > 0) event.texts = [];
    for (let left = texts; left > 0; left--) {
      const saltAt = end + 4;
      const textAt = saltAt + saltBytes;
      const textEnd = textAt + view.getUint32(end, true);
      event.texts.push({
        name: textNames[text++]!,
        salt: bytes.subarray(saltAt, textAt),
        bytes: bytes.subarray(textAt, textEnd),
      });
      end = textEnd;
    }
    visit(event);
    head = end;
  }
}

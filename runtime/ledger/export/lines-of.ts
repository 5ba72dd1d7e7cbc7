import { closeSync, openSync, readSync } from 'node:fs';

const chunkBytes = 65_536;
const newline = 0x0a;

/**
 * The lines of a file as bytes, without their newlines, in bounded memory. Node's readline would end a line at U+2028 too, which JSON may hold.
 * @param lineBytesMax The beginning of a longer line is the last that is given.
 */
export function* linesOf(file: string, lineBytesMax: number): Generator<Buffer> {
  const fd = openSync(file, 'r');
  try {
    let rest: Buffer = Buffer.alloc(0);
    for (;;) {
      const chunk = Buffer.alloc(chunkBytes);
      const read = readSync(fd, chunk, 0, chunkBytes, null);
      if (read === 0) break;
      const bytes = Buffer.concat([rest, chunk.subarray(0, read)]);
      let from = 0;
      for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, from)) {
        yield bytes.subarray(from, end);
        from = end + 1;
      }
      rest = bytes.subarray(from);
      if (rest.byteLength > lineBytesMax) break;
    }
    if (rest.byteLength > 0) yield rest;
  } finally {
    closeSync(fd);
  }
}

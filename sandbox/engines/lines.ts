import { EngineFailure } from './port.js';

/** Longest line of a stream; a longer one is no answer of an engine that we know. In UTF-16 code units. */
const lineLengthMax = 1_048_576;

export interface Line {
  text: string;
  /** False for a last line that no line feed ended: the stream may have been cut inside it. */
  ended: boolean;
}

/** Cuts text into lines ended by LF or CRLF. Throws `engine_garbage` on a line beyond the bound. */
export async function* lines(chunks: AsyncIterable<string>): AsyncGenerator<Line> {
  let held = '';
  for await (const chunk of chunks) {
    let start = 0;
    let end = chunk.indexOf('\n');
    while (end !== -1) {
      const text = held + chunk.slice(start, end);
      held = '';
      if (text.length > lineLengthMax) throw new EngineFailure('engine_garbage');
      yield { text: text.endsWith('\r') ? text.slice(0, -1) : text, ended: true };
      start = end + 1;
      end = chunk.indexOf('\n', start);
    }
    held += chunk.slice(start);
    if (held.length > lineLengthMax) throw new EngineFailure('engine_garbage');
  }
  if (held !== '') yield { text: held, ended: false };
}

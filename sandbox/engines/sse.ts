import { lines } from './lines.js';
import { EngineFailure } from './port.js';
import { describeText } from './refusal.js';

const fieldNames = ['data', 'event', 'id', 'retry'];

/**
 * The data of server-sent events (WHATWG HTML, section 9.2). Comments and other fields are passed over; a line that is no
 * field at all is `engine_garbage`; data without the blank line that ends an event was cut, so it is dropped.
 */
export async function* sseData(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let data: string[] = [];
  for await (const line of lines(chunks)) {
    if (line.text === '') {
      if (data.length > 0) yield data.join('\n');
      data = [];
      continue;
    }
    if (!line.ended) return;
    const colon = line.text.indexOf(':');
    if (colon === 0) continue;
    const field = colon === -1 ? line.text : line.text.slice(0, colon);
    if (!fieldNames.includes(field)) throw new EngineFailure('engine_garbage', describeText(line.text));
    if (field === 'data') data.push(colon === -1 ? '' : line.text.slice(colon + 1).replace(/^ /, ''));
  }
}

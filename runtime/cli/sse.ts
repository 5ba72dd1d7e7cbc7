export interface SseFrame {
  event: string;
  data: string;
}

/** Longest frame read; a longer one is no frame of ours. */
const frameCharsMax = 4_194_304;

/**
 * Server-sent events as they come, by the rules of the HTML standard that matter here: event and data fields, CR, LF or CRLF ends,
 * comments skipped, an unfinished last frame dropped.
 * @throws RangeError for a frame of more than 4 million characters.
 */
export async function* readSse(body: AsyncIterable<Uint8Array>): AsyncGenerator<SseFrame> {
  const decoder = new TextDecoder();
  let rest = '';
  let event = '';
  let data: string[] = [];
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    if (rest.length > frameCharsMax) throw new RangeError('a frame of the stream is too long');
    // A CR at the very end may be the first half of a CRLF: it waits for the next chunk.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { event: event === '' ? 'message' : event, data: data.join('\n') };
        event = '';
        data = [];
        continue;
      }
      const colon = line.indexOf(':');
      const field = colon === -1 ? line : line.slice(0, colon);
      const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === 'event') event = value;
      else if (field === 'data') data.push(value);
      if (data.length > 10_000) throw new RangeError('a frame of the stream has too many lines');
    }
  }
}

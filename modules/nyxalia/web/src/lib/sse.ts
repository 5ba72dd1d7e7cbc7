export interface ServerSentEvent {
  event: string;
  data: string;
}

/** Longest event that is kept while it arrives. */
const eventCharsMax = 4_000_000;

/**
 * Reads server-sent events from a body. Comments come as events named `:`, because the appliance may tell a place in a queue by them.
 * Ends with the body; throws what the body throws.
 */
export async function* serverSentEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let waiting = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      waiting += decoder.decode(value, { stream: true });
      if (waiting.length > eventCharsMax) throw new RangeError('an event of the stream is too long');
      const frames = waiting.split(/\r?\n\r?\n/);
      waiting = frames.pop() ?? '';
      for (const frame of frames) yield* readFrame(frame);
    }
  } finally {
    await reader.cancel();
  }
}

function* readFrame(frame: string): Generator<ServerSentEvent> {
  let event = 'message';
  const data: string[] = [];
  for (const line of frame.split(/\r?\n/)) {
    const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (line.startsWith(':')) yield { event: ':', data: line.slice(1).trim() };
    else if (name === 'event') event = value;
    else if (name === 'data') data.push(value);
  }
  if (data.length > 0) yield { event, data: data.join('\n') };
}

import http from 'node:http';

/** What one answer took, in milliseconds from the first byte asked to the first text, and to the end. */
export interface Took {
  firstMs: number;
  wholeMs: number;
  text: string;
}

/** Text of the answer in a frame of OpenAI's stream; undefined for what holds none. Throws for an error in the stream. */
function textIn(frame: string): string | undefined {
  if (!frame.startsWith('data: ') || frame === 'data: [DONE]') return undefined;
  const { choices, error } = JSON.parse(frame.slice(6)) as {
    choices?: { delta?: { content?: string } }[];
    error?: unknown;
  };
  if (error !== undefined) throw new Error(`the stream failed: ${JSON.stringify(error)}`);
  return choices?.[0]?.delta?.content || undefined;
}

/** Asks an OpenAI-compatible server, over connections that are kept alive. */
export class ChatClient {
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly #url: URL;
  readonly #model: string;

  constructor(base: string, model: string) {
    this.#url = new URL('/v1/chat/completions', base);
    this.#model = model;
  }

  /** Rejects on any answer that is not whole. `onText` is told of each piece of a stream. */
  ask(prompt: string, onText: () => void = () => {}): Promise<Took> {
    const messages = [{ role: 'user', content: prompt }];
    const body = JSON.stringify({ model: this.#model, temperature: 0, stream: true, messages });
    return new Promise((resolve, reject) => {
      const began = performance.now();
      const request = http.request(
        this.#url,
        {
          method: 'POST',
          agent: this.#agent,
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        },
        (response) => {
          let held = '';
          let text = '';
          let firstMs = 0;
          let ended = false;
          response.setEncoding('utf8');
          response.on('data', (piece: string) => {
            held += piece;
            const frames = held.split('\n\n');
            held = frames.pop() ?? '';
            try {
              for (const frame of frames) {
                ended ||= frame === 'data: [DONE]';
                const said = textIn(frame);
                if (said === undefined) continue;
                firstMs ||= performance.now() - began;
                text += said;
                onText();
              }
            } catch (error) {
              response.destroy(error as Error);
            }
          });
          response.on('error', reject);
          response.on('end', () => {
            const wholeMs = performance.now() - began;
            if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}: ${held}`));
            else if (!ended) reject(new Error('the stream ended without [DONE]'));
            else resolve({ firstMs, wholeMs, text });
          });
        },
      );
      request.on('error', reject);
      request.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

import type { WaitPlace } from '../../runtime/contracts/admission.js';

const encoder = new TextEncoder();

export const sseHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
};

/** Ollama's form: one JSON object a line. */
export const ndjsonHeaders = {
  'content-type': 'application/x-ndjson',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
};

/** One server-sent event. `data` is a single line, so it needs no splitting. */
export function sseEvent(data: string, event?: string): string {
  return event === undefined ? `data: ${data}\n\n` : `event: ${event}\ndata: ${data}\n\n`;
}

/** A place in a queue as a comment, which clients of server-sent events pass over. */
export function sseWaiting({ position, estimateMs }: WaitPlace): string {
  return `: waiting position=${position}${estimateMs === undefined ? '' : ` estimate_ms=${estimateMs}`}\n\n`;
}

/**
 * A streaming response from frames. The first frame is awaited before this resolves, so that what fails before it is still an
 * ordinary error with its status. When the client goes, the generator is ended. `onError` words a failure in mid-stream as a last
 * frame; the stream never just stops.
 */
export async function streamResponse(
  frames: AsyncGenerator<string>,
  onError: (error: unknown) => string,
  headers: Record<string, string>,
): Promise<Response> {
  let next: IteratorResult<string> | undefined = await frames.next();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = next ?? (await frames.next());
        next = undefined;
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      } catch (error) {
        controller.enqueue(encoder.encode(onError(error)));
        controller.close();
      }
    },
    async cancel() {
      await frames.return(undefined);
    },
  });
  return new Response(body, { headers });
}

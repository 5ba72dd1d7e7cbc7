import { request } from '../api/call.js';
import { Problem } from '../api/problem.js';

/** As much as the appliance takes in one piece. */
const pieceBytes = 8_388_608;
const triesMax = 5;
const waitMs = 2000;

/** What a file may be called as a model, from its own name; empty when nothing is left of it. */
export function modelNameOf(fileName: string): string {
  return fileName
    .toLowerCase()
    .replace(/\.gguf$/, '')
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 64);
}

/**
 * Sends a file piece by piece; after a broken connection it goes on with the piece that the appliance waits for.
 * @throws Problem, `unreachable` after five tries of one piece; AbortError's when the signal ends it.
 */
export async function upload(
  file: Blob,
  name: string,
  { signal, onProgress }: { signal: AbortSignal; onProgress: (sent: number) => void },
): Promise<void> {
  let at = 0;
  for (let tries = 1; at < file.size; ) {
    const end = Math.min(at + pieceBytes, file.size);
    try {
      await request(`/models/${encodeURIComponent(name)}?at=${at}&of=${file.size}`, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: file.slice(at, end),
        signal,
      });
      at = end;
      tries = 1;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const waitsFor = error.document.at;
      if (typeof waitsFor === 'number' && waitsFor > at && waitsFor <= file.size) at = waitsFor;
      else if (error.code !== 'unreachable' || tries >= triesMax) throw error;
      else {
        tries += 1;
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
    onProgress(at);
  }
}

import { createHash } from 'node:crypto';
import { read } from 'node:fs';
import { promisify } from 'node:util';
import { readGguf, sourceOf } from './gguf.js';
import { connectSupervisor } from './inside.js';
import { modelDescriptor } from './protocol.js';

/** The process that reads one model file, which nobody trusts: hashes it whole, then says what it says of itself. It has no path, only the open file. */

const pieceBytes = 1_048_576;
/** Progress is told after so many bytes. */
const progressBytes = 33_554_432;

const readAt = promisify(read);

const supervisor = connectSupervisor((message) => {
  if (message.type !== 'examine') throw new Error(`a model reader does not take ${message.type}`);
  void examine();
});

async function examine(): Promise<void> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(pieceBytes);
  let bytes = 0;
  let told = 0;
  for (;;) {
    // By turns of the event loop, so that a ping is answered in between.
    const { bytesRead } = await readAt(modelDescriptor, buffer, 0, pieceBytes, bytes);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    bytes += bytesRead;
    if (bytes - told < progressBytes) continue;
    told = bytes;
    await supervisor.send({ type: 'progress', bytes });
  }
  const sha256 = hash.digest('hex');
  await supervisor.send({ type: 'examined', sha256, bytes, read: readGguf(sourceOf(modelDescriptor)) });
}

await supervisor.send({ type: 'ready' });

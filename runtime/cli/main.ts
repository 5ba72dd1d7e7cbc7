import { exitCodes } from './io.js';
import { runCli } from './program.js';

/** What was printed into a pipe may still lie in this process, and would be lost with it. */
function hasLeft(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableLength === 0) return resolve();
    // Whoever read has gone.
    stream.once('error', () => resolve());
    stream.write('', () => resolve());
  });
}

// Whoever reads may have had enough, as `head` has: then there is nobody left to print for. The server goes on without; it closes in
// good order when it must (see serve.ts).
if (process.argv[2] !== 'serve') {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.stderr.write(`${error.message}\n`);
    process.exit(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.failed);
  });
}

const code = await runCli(process.argv.slice(2));
await Promise.all([hasLeft(process.stdout), hasLeft(process.stderr)]);
// The program itself, also when it is run without arkalia.mjs, as an image does. Ends here even when a third party's module left
// something open.
process.exit(code);

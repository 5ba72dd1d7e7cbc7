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

const code = await runCli(process.argv.slice(2));
await Promise.all([hasLeft(process.stdout), hasLeft(process.stderr)]);
// The program itself, also when it is run without arkalia.mjs, as an image does. Ends here even when a third party's module left
// something open.
process.exit(code);

import { exitCodes } from './io.js';
import { runCli } from './program.js';

// Whoever reads may have had enough, as `head` has: then there is nobody left to print for. The server goes on without; it closes in
// good order when it must (see serve.ts).
if (process.argv[2] !== 'serve') {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.stderr.write(`${error.message}\n`);
    process.exit(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.failed);
  });
}

// The program itself, also when it is run without arkalia.mjs, as an image does. Ends here even when a third party's module left
// something open.
process.exit(await runCli(process.argv.slice(2)));

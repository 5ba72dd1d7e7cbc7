import { runCli } from './program.js';

// The program itself, also when it is run without arkalia.mjs, as an image does. Ends here even when a third party's module left
// something open.
process.exit(await runCli(process.argv.slice(2)));

import { encodeFrame } from './frames.js';

// Started once under the limits of a worker, to see whether they can be had on this host and the program still be read.
process.stdout.write(encodeFrame('ready'));

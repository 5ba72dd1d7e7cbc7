import process from 'node:process';

// Such as when there is no memory left for one more thread.
if (process.env.ARKALIA_TEST_STILLBORN !== undefined) process.exit(7);

/** A thread that dies while it starts, as long as that variable is set when it is made. */
export default function work(): number {
  return 0;
}

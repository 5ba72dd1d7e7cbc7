/**
 * A clock that is read once a turn of the event loop: the first to ask reads it, everyone else in that turn gets the same value. For
 * what asks so often that reading a clock (60 ns) costs more than the rest of the call.
 *
 * Error: a value is never ahead and at most as old as the turn, counted from its first reading; what the system kept the process from
 * running is part of it. A turn ends in the check phase, after all sockets that were ready have been read; while an immediate waits the
 * loop does not sleep, so time spent waiting is no part of the error. Whoever measures the delay of the event loop measures its bound.
 */
export function createTurnClock(monotonicMs: () => number): () => number {
  let now = 0;
  let fresh = false;
  const endTurn = () => {
    fresh = false;
  };
  return () => {
    if (!fresh) {
      now = monotonicMs();
      fresh = true;
      setImmediate(endTurn);
    }
    return now;
  };
}

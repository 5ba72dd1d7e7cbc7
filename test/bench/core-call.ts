import { Core, throughBreaker } from '../../core-wasm/index.js';
import { createTurnClock } from '../../runtime/kernel/turn-clock.js';
import { byCount, byTime, cockatielByCount, cockatielByTime, opossum } from './core-rivals.js';
import { endOfTurn, type Figure, inTurn, median, paired, report } from './core-section.js';

// An async call behind a breaker against the same call without one. Each loop is a function of its own, so that each is compiled for
// what it calls and for nothing else.
const callsPerTurn = 256;
const turns = 100;
// Short rounds and many of them: on a machine with other work most are then left alone.
const rounds = 61;
const { breakers } = Core.create();
const now = createTurnClock(() => performance.now());
const call = async () => 1;
const counting = breakers.take(byCount);
const timing = breakers.take(byTime);
const policyByCount = cockatielByCount();
const policyByTime = cockatielByTime();
const timed = opossum(call, true);
const untimed = opossum(call, false);

/** Nanoseconds a call, the ends of the turns not counted. */
async function nsEachCall(turn: () => Promise<void>): Promise<number> {
  let ms = 0;
  for (let i = 0; i < turns; i++) {
    const began = performance.now();
    await turn();
    ms += performance.now() - began;
    await endOfTurn();
  }
  return (ms * 1e6) / (turns * callsPerTurn);
}

const loops = {
  bare: async () => {
    for (let i = 0; i < callsPerTurn; i++) await call();
  },
  count: async () => {
    for (let i = 0; i < callsPerTurn; i++) await throughBreaker(counting, now, call);
  },
  time: async () => {
    for (let i = 0; i < callsPerTurn; i++) await throughBreaker(timing, now, call);
  },
  cockatielCount: async () => {
    for (let i = 0; i < callsPerTurn; i++) await policyByCount.execute(call);
  },
  cockatielTime: async () => {
    for (let i = 0; i < callsPerTurn; i++) await policyByTime.execute(call);
  },
  opossum: async () => {
    for (let i = 0; i < callsPerTurn; i++) await timed.fire();
  },
  opossumUntimed: async () => {
    for (let i = 0; i < callsPerTurn; i++) await untimed.fire();
  },
};
type Name = keyof typeof loops;

const seen = await inTurn(
  rounds,
  Object.fromEntries(Object.entries(loops).map(([name, turn]) => [name, () => nsEachCall(turn)])) as Record<
    Name,
    () => Promise<number>
  >,
);
const overhead = Object.fromEntries(
  (Object.keys(loops) as Name[]).map((name) => [name, seen[name].map((ns, i) => ns - seen.bare[i]!)]),
) as Record<Name, number[]>;
const over = (what: string, name: Name): Figure => ({ what, value: median(overhead[name]), unit: 'ns' });
const share = (what: string, ours: Name, theirs: Name, aim?: number): Figure => ({
  what,
  value: paired(overhead[ours], overhead[theirs], (a, b) => a / b),
  unit: '×',
  ...(aim === undefined ? {} : { aim }),
});
report({
  title: 'Breaker around an async call, with a clock that is read once a turn',
  notes: [
    `Overhead: the wrapped call less the bare one, one after the other, ${callsPerTurn} to a turn of the event loop.`,
    'Windows: 100 calls, or 10 s. opossum as it comes sets a timer for each call; without is `timeout: false`.',
  ],
  figures: [
    { what: 'the bare call', value: median(seen.bare), unit: 'ns' },
    over('throughBreaker, window of calls', 'count'),
    over('throughBreaker, window of time', 'time'),
    over('cockatiel, window of calls', 'cockatielCount'),
    over('cockatiel, window of time', 'cockatielTime'),
    over('opossum, as it comes', 'opossum'),
    over('opossum, without its timer', 'opossumUntimed'),
    share("ours ÷ cockatiel's, window of calls", 'count', 'cockatielCount', 0.5),
    share("ours ÷ cockatiel's, window of time", 'time', 'cockatielTime', 0.5),
    share("ours ÷ opossum's, as it comes", 'time', 'opossum', 0.1),
    share("ours ÷ opossum's, without its timer", 'time', 'opossumUntimed'),
  ],
  faults: [],
});

import type { Admission } from '../../runtime/contracts/admission.js';
import type { Breaker, Breakers } from '../../runtime/contracts/breaker.js';
import { CanonicalJson } from '../../runtime/contracts/json.js';
import type { Ledger, NewEvent, Receipt } from '../../runtime/contracts/ledger.js';
import type { Config } from '../../runtime/contracts/module.js';
import type { Trace } from './trace.js';
import type { ThresholdMove, Watch } from './watch.js';

/** The same part, each time bound to it: a Proxy's own `this` has no private fields. */
function over<T extends object>(part: T, own: Partial<T>): T {
  return new Proxy(part, {
    get(target, name) {
      if (Object.hasOwn(own, name)) return own[name as keyof T];
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Ids that differ from run to run. */
const chance = /d-[0-9a-f]{10}-/g;

/** A ledger whose receipts are remembered, to be held against the file. */
export function observedLedger(ledger: Ledger, watch: Watch, trace: Trace): Ledger {
  const told = (event: NewEvent, recorded: Promise<Receipt>): Promise<Receipt> => {
    const life = watch.life;
    watch.pending++;
    const settled = () => {
      if (watch.life === life) watch.pending--;
    };
    recorded.then(settled, settled);
    return recorded.then((receipt) => {
      watch.acknowledge(receipt);
      if (event.type === 'threshold_adjusted') watch.thresholdMoved(event.data as unknown as ThresholdMove);
      const data = event.data instanceof CanonicalJson ? event.data.text : JSON.stringify(event.data);
      trace.count(`event ${receipt.index} ${event.type} ${data.replace(chance, 'd-')}`);
      return receipt;
    });
  };
  return over(ledger, {
    append: (event) => told(event, ledger.append(event)),
    enqueue: (event) => told(event, ledger.enqueue(event)),
  });
}

/** Admission whose slots are counted by who holds them. */
export function observedAdmission(admission: Admission, watch: Watch): Admission {
  return over(admission, {
    async admit(engine, options) {
      const slot = await admission.admit(engine, options);
      watch.slotTaken(engine);
      let given = false;
      return {
        began: () => slot.began(),
        release: (outcome) => {
          if (!given) watch.slotGiven(engine);
          given = true;
          slot.release(outcome);
        },
      };
    },
  });
}

export interface BreakerRules {
  config: Config['breaker'];
  now: () => number;
  /** Never lets a probe through. Only to show that somebody notices. */
  stuck: boolean;
}

/** Breakers whose probes are counted, and whose refusals are held against the time that they may refuse. */
export function observedBreakers(breakers: Breakers, watch: Watch, rules: BreakerRules): Breakers {
  const known = new Map<string, Breaker>();
  return over(breakers, {
    get(name) {
      const made = known.get(name) ?? observedBreaker(breakers.get(name), watch, rules);
      known.set(name, made);
      return made;
    },
  });
}

function observedBreaker(breaker: Breaker, watch: Watch, { config, now, stuck }: BreakerRules): Breaker {
  const { name } = breaker;
  /** Probes that are out: their half-open time, and since when. */
  const out: { permit: number; number: number; atMs: number }[] = [];
  return over(breaker, {
    snapshot() {
      const seen = breaker.snapshot();
      const { state, retry_after_ms: waitMs = 0 } = seen;
      if (state === 'open' && waitMs > config.open_ms_max)
        watch.fail(
          'breaker_probed',
          `${name} is to be open for ${Math.round(waitMs)} ms more; ${config.open_ms_max} is the most`,
        );
      return seen;
    },
    acquire() {
      const before = breaker.snapshot();
      const due = before.state === 'open' && (before.retry_after_ms ?? 0) <= 0;
      const permit =
        stuck && before.state === 'open' ? ({ ok: false, retryAfterMs: 1 } as const) : breaker.acquire();
      const { state, last } = breaker.snapshot();
      if (!permit.ok) {
        if (due) watch.fail('breaker_probed', `${name} is due for a probe and refuses one`);
        const oldest = Math.min(...out.map(({ atMs }) => atMs));
        if (before.state === 'half_open' && !(now() - oldest <= config.half_open_ms))
          watch.fail('breaker_probed', `${name} is half-open, refuses, and no probe is out`);
        return permit;
      }
      if (state === 'half_open') {
        const number = last?.number ?? 0;
        out.push({ permit: permit.permit, number, atMs: now() });
        watch.probeTaken(name, number);
      }
      return permit;
    },
    record(permit, outcome, durationMs) {
      const at = out.findIndex((probe) => probe.permit === permit);
      const [probe] = at < 0 ? [] : out.splice(at, 1);
      if (probe !== undefined) watch.probeGiven(name, probe.number);
      breaker.record(permit, outcome, durationMs);
    },
  });
}

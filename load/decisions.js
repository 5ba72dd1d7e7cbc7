// Decisions at a rate that does not wait for the answers (an open model), with the rules that users rely on checked on each one.
import { check } from 'k6';
import exec from 'k6/execution';
import { number, post } from './settings.js';

const rate = number('LOAD_RATE', 500);
const holdS = number('LOAD_HOLD_S', 12);

export const options = {
  scenarios: {
    decisions: {
      executor: 'ramping-arrival-rate',
      startRate: Math.ceil(rate / 10),
      timeUnit: '1s',
      preAllocatedVUs: number('LOAD_VUS', 64),
      stages: [
        { target: rate, duration: '5s' },
        { target: rate, duration: `${holdS}s` },
      ],
      gracefulStop: '5s',
    },
  },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate<0.001'],
    http_req_duration: [`p(95)<${number('LOAD_P95_MS', 50)}`, `p(99)<${number('LOAD_P99_MS', 200)}`],
    // A request that could not be sent in time was not measured: more than 1 % of them and the rate was not reached.
    dropped_iterations: [`count<=${Math.ceil(rate * (holdS + 2.75) * 0.01)}`],
  },
  summaryTrendStats: ['avg', 'min', 'med', 'max', 'p(95)', 'p(99)'],
};

const severities = ['none', 'normal', 'low', 'medium', 'high', 'critical'];
const ranks = ['normal', 'monitor', 'reduce_load', 'emergency_shutdown'];

/** The mildest decision that the rules allow. */
function leastRank({ cpu, severity }) {
  if (severity === 'critical') return 3;
  if (cpu > 80) return 2;
  return cpu > 60 ? 1 : 0;
}

/** Walks over the whole range in an order that is the same in every run. */
function input(iteration) {
  return {
    cpu: (iteration * 37) % 101,
    ram: (iteration * 61) % 101,
    severity: severities[iteration % severities.length],
    latency_ms: (iteration * 13) % 500,
    stream: `k6-${iteration % 100}`,
  };
}

export default function decide() {
  const body = input(exec.scenario.iterationInTest);
  const response = post('/zeroia/decisions', body);
  const answer = response.status === 200 ? response.json() : {};
  const rank = ranks.indexOf(answer.decision);
  const least = leastRank(body);
  check(response, {
    'status is 200': (r) => r.status === 200,
    'decision keeps the rules': () => (least === 3 ? rank === 3 : rank >= least),
    'shares add up to the confidence': () =>
      Array.isArray(answer.factors) &&
      Math.abs(answer.factors.reduce((sum, { share }) => sum + share, 0) - answer.confidence) < 1e-9,
    'is durable': () => answer.recorded === 'durable' && Number.isInteger(answer.receipt.index),
  });
}

import { printable } from '../contracts/text.js';
import { postJson, problemText } from './http.js';

export interface DecideFlags {
  url: string;
  key?: string;
  cpu: number;
  ram: number;
  severity: string;
  temperature?: number;
  disk?: number;
  errorRate?: number;
  latency?: number;
  context?: string;
  stream?: string;
}

interface Decision {
  id: string;
  decision: string;
  confidence: number;
  factors: { name: string; score: number; weight: number; share: number }[];
  absent: string[];
  reasons: string[];
  model: { core_sha256: string; weights_version: string };
  receipt: { index: number; leaf_hash: string; recorded: string };
}

/** Asks the running server to decide, and prints the decision with what made it. Returns the exit code. */
export async function decide(flags: DecideFlags): Promise<number> {
  const body = {
    cpu: flags.cpu,
    ram: flags.ram,
    severity: flags.severity,
    temperature_c: flags.temperature,
    disk: flags.disk,
    error_rate: flags.errorRate,
    latency_ms: flags.latency,
    context: flags.context,
    stream: flags.stream,
  };
  const response = await postJson(flags.url, '/zeroia/decisions', body, { key: flags.key });
  const text = await response.text();
  if (!response.ok) {
    console.error(problemText(response.status, text));
    return 1;
  }
  console.log(printable(table(JSON.parse(text) as Decision), { lines: true }));
  return 0;
}

function table(decision: Decision): string {
  const { model, receipt } = decision;
  const rows = decision.factors.map(
    ({ name, score, weight, share }) =>
      `  ${name.padEnd(20)} ${score.toFixed(3)} × ${weight.toFixed(3)} = ${share.toFixed(3)}`,
  );
  return [
    `decision    ${decision.decision}`,
    `confidence  ${decision.confidence.toFixed(3)}`,
    `because     ${decision.reasons.length === 0 ? 'no rule asks for more' : decision.reasons.join(', ')}`,
    'factors     (score × weight = share)',
    ...rows,
    ...(decision.absent.length === 0
      ? []
      : [`left out    ${decision.absent.join(', ')} (no input; the other weights are rescaled)`]),
    `made by     core ${model.core_sha256.slice(0, 16)}…, weights ${model.weights_version}`,
    `receipt     ${receipt.recorded}, ledger event ${receipt.index}, leaf ${receipt.leaf_hash}`,
  ].join('\n');
}

import { z } from 'zod';
import { printable } from '../contracts/text.js';
import { CliFailure } from './failure.js';
import { type CliIo, exitCodes } from './io.js';
import { post, readJson } from './server-request.js';
import { findTarget, type TargetFlags } from './settings.js';

export interface DecideFlags extends TargetFlags {
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

const answerShape = z.object({
  id: z.string(),
  decision: z.string(),
  confidence: z.number(),
  factors: z.array(z.object({ name: z.string(), score: z.number(), weight: z.number(), share: z.number() })),
  absent: z.array(z.string()),
  reasons: z.array(z.string()),
  receipt: z.object({ index: z.number(), leaf_hash: z.string() }),
});

/** Asks the running server for a decision and prints it with what made it. */
export async function decide(flags: DecideFlags, io: CliIo): Promise<number> {
  const { cpu, ram, severity, temperature, disk, errorRate, latency, context, stream } = flags;
  const response = await post(findTarget(flags, io), {
    path: '/zeroia/decisions',
    body: {
      cpu,
      ram,
      severity,
      temperature_c: temperature,
      disk,
      error_rate: errorRate,
      latency_ms: latency,
      context,
      stream,
    },
  });
  const parsed = answerShape.safeParse(await readJson(response));
  if (!parsed.success) throw new CliFailure('The answer does not have the shape of ours. Is it Arkalia?');
  io.out(
    `${renderDecision(parsed.data)
      .map((line) => printable(line))
      .join('\n')}\n`,
  );
  return exitCodes.ok;
}

function renderDecision(answer: z.infer<typeof answerShape>): string[] {
  const { decision, confidence, factors, absent, reasons, receipt, id } = answer;
  return [
    `decision    ${decision}`,
    `confidence  ${confidence.toFixed(3)}`,
    `reasons     ${reasons.join(', ') || 'none'}`,
    '',
    `${'factor'.padEnd(22)}  score  weight   share`,
    ...factors.map(
      ({ name, score, weight, share }) =>
        `${name.padEnd(22)}  ${score.toFixed(3)}   ${weight.toFixed(3)}   ${share.toFixed(3)}`,
    ),
    ...(absent.length === 0 ? [] : [`left out, no input: ${absent.join(', ')}`]),
    '',
    `recorded    event ${receipt.index} of the ledger, leaf ${receipt.leaf_hash.slice(0, 16)}, decision ${id}`,
  ];
}

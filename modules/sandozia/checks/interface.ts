import { z } from 'zod';
import { type DecisionMade, decisions } from '../../../runtime/contracts/decision.js';
import { type DeviceSample, type LevelChange, levels } from '../../../runtime/contracts/device.js';
import { type Check, type Finding, ok } from './check.js';

const percent = z.number().min(0).max(100).optional();
const ms = z.number().min(0);
const ratio = z.number().min(0).max(1);

const sampleForm = z
  .looseObject({
    wall_ms: ms,
    monotonic_ms: ms,
    ...{ cpu: percent, ram: percent, disk: percent, swap: percent },
    cpu_cores: z.array(z.number().min(0).max(100)).optional(),
    temperature_c: z.number().min(-60).max(150).optional(),
    event_loop_delay_ms: ms.optional(),
    process_rss_bytes: ms.optional(),
    absent: z.array(z.string()),
  })
  .refine((sample) => sample.absent.every((name) => sample[name] === undefined), {
    message: 'a figure is told and named as absent',
    path: ['absent'],
  });

const decisionForm = z.looseObject({
  id: z.string().min(1),
  stream: z.string(),
  index: z.int().min(0).nullable(),
  score: z.looseObject({
    decision: z.enum(decisions),
    confidence: ratio,
    pressure: ratio,
    reasons: z.array(z.string()),
  }),
});

const changeForm = z.looseObject({ from: z.enum(levels), to: z.enum(levels), reason: z.string() });

/** What modules tell each other has the form and the bounds that the contract gives it, whoever wrote the module. */
export class Interface implements Check {
  readonly name = 'interface';
  readonly kind = 'interface';
  readonly accountOf = {
    sample_malformed: 'reflexia',
    decision_malformed: 'zeroia',
    change_malformed: 'zeroia',
  };
  readonly about =
    'Samples, decisions and changes of the level have the form and the bounds of the contract.';
  #wrong: { fault: string; where: string; problem: string; count: number } | undefined;

  sampled(sample: DeviceSample): void {
    this.#note('sample_malformed', sampleForm.safeParse(sample));
  }

  decided(decision: DecisionMade): void {
    this.#note('decision_malformed', decisionForm.safeParse(decision));
  }

  levelChanged(change: LevelChange): void {
    this.#note('change_malformed', changeForm.safeParse(change));
  }

  /** Tells the first that was wrong since it was last asked, and how many were. */
  compare(): Finding {
    const wrong = this.#wrong;
    this.#wrong = undefined;
    if (wrong === undefined) return ok;
    const { fault, ...evidence } = wrong;
    return { level: 'critical', fault, evidence };
  }

  #note(fault: string, { error }: z.ZodSafeParseResult<unknown>): void {
    const [issue] = error?.issues ?? [];
    if (issue === undefined) return;
    this.#wrong ??= { fault, where: issue.path.join('.'), problem: issue.message, count: 0 };
    this.#wrong.count += 1;
  }
}

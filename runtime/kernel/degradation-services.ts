import { type DegradationLevel, type Limits, levels, type ServiceState } from '../contracts/device.js';
import type { Priority } from '../contracts/module.js';

/** What a step down means for a service, and the level from which it is taken. */
interface Step {
  from: DegradationLevel;
  /** In words, for /status and the log. */
  means: string;
  limits: Partial<Limits>;
}

/** Something that the appliance does, and what it gives up of it to stay up. */
interface Service {
  name: string;
  priority: Priority;
  reduced?: Step;
  /** Absent: it is never given up. */
  shed?: Step;
}

/** Nothing is limited. */
const full: Limits = {
  queueShare: 1,
  models: true,
  navigator: true,
  passages: true,
  smallModels: false,
  answerTokensMax: null,
  contextCharsMax: null,
  snapshotEvery: 1,
  analysis: true,
  advice: true,
};

/** In the order in which they are shed: the less it matters, the earlier. */
const services: readonly Service[] = [
  {
    name: 'analysis',
    priority: 'optional',
    shed: { from: 'light', means: "Sandozia's analysis of patterns rests", limits: { analysis: false } },
  },
  {
    name: 'snapshots',
    priority: 'low',
    reduced: { from: 'light', means: 'one in four snapshots is taken', limits: { snapshotEvery: 4 } },
    shed: { from: 'moderate', means: 'no snapshots are taken', limits: { snapshotEvery: 0 } },
  },
  {
    name: 'long answers',
    priority: 'low',
    reduced: {
      from: 'light',
      means: 'answers of at most 512 tokens',
      limits: { answerTokensMax: 512 },
    },
    shed: { from: 'moderate', means: 'answers of at most 256 tokens', limits: { answerTokensMax: 256 } },
  },
  {
    name: 'conversations',
    priority: 'medium',
    reduced: {
      from: 'moderate',
      means: 'at most 8,000 characters of earlier messages are sent along',
      limits: { contextCharsMax: 8000 },
    },
    shed: { from: 'heavy', means: 'no earlier messages are sent along', limits: { contextCharsMax: 0 } },
  },
  {
    name: 'queues',
    priority: 'medium',
    reduced: {
      from: 'moderate',
      means: 'half of the places in the queue of each engine',
      limits: { queueShare: 0.5 },
    },
    shed: {
      from: 'heavy',
      means: 'waiting for an engine: prompts start at once or are refused',
      limits: { queueShare: 0 },
    },
  },
  {
    name: 'language models',
    priority: 'high',
    reduced: {
      from: 'heavy',
      means: 'small_model answers where one is set and no model is named',
      limits: { smallModels: true },
    },
    shed: {
      from: 'emergency',
      means: 'engines with a language model: only the navigator answers',
      limits: { models: false },
    },
  },
  {
    name: 'navigator',
    priority: 'high',
    reduced: {
      from: 'emergency',
      means: 'the navigator answers from live figures, without the documentation',
      limits: { passages: false },
    },
    shed: { from: 'survival', means: 'all engines: no prompt is answered', limits: { navigator: false } },
  },
  {
    name: 'advice',
    priority: 'high',
    shed: { from: 'survival', means: 'decisions on posted measurements', limits: { advice: false } },
  },
  { name: 'device loop', priority: 'critical' },
  { name: 'ledger', priority: 'critical' },
  { name: 'health', priority: 'critical' },
];

const reached = (level: DegradationLevel, step: Step | undefined) =>
  step !== undefined && levels.indexOf(level) >= levels.indexOf(step.from);

/** How each service stands at a level. */
export function servicesAt(level: DegradationLevel): ServiceState[] {
  return services.map(({ name, priority, reduced, shed }) => {
    if (shed !== undefined && reached(level, shed)) {
      return { name, priority, state: 'shed', means: shed.means };
    }
    if (reduced !== undefined && reached(level, reduced)) {
      return { name, priority, state: 'reduced', means: reduced.means };
    }
    return { name, priority, state: 'full' };
  });
}

function limitsOf(level: DegradationLevel): Limits {
  const steps = services.flatMap(({ reduced, shed }) => [reduced, shed]);
  const taken = steps.filter((step) => step !== undefined && reached(level, step));
  return Object.assign({ ...full }, ...taken.map((step) => step?.limits)) as Limits;
}

const table = Object.fromEntries(
  levels.map((level) => [
    level,
    {
      limits: Object.freeze(limitsOf(level)),
      words: servicesAt(level).flatMap(({ means }) => (means === undefined ? [] : [means])),
    },
  ]),
) as Record<DegradationLevel, { limits: Limits; words: string[] }>;

/** What a level limits. */
export function limitsAt(level: DegradationLevel): Limits {
  return table[level].limits;
}

/** What is reduced or shed at a level, in words; nothing at `normal`. */
export function shedAt(level: DegradationLevel): string[] {
  return [...table[level].words];
}

import { parameters as base, type Parameters } from '../parameters.js';
import { decisions, factorNames, type Score, type ScoreInput, severities } from '../score-types.js';

type Rule = [level: number, id: string, holds: boolean];

/** Scoring in plain TypeScript: the slow twin that property tests hold against the hot core, bit for bit. */
export function referenceScore(input: ScoreInput, p: Parameters = base): Score {
  const { cpu, ram, temperatureC, disk, errorRate, latencyMs, contextRelevance, historyPressure } = input;
  const heat =
    temperatureC === undefined
      ? 0
      : Math.min(1, Math.max(0, (temperatureC - p.temperatureC.floor) / p.temperatureC.span));
  const pressure = Math.max(
    cpu / 100,
    ram / 100,
    disk === undefined ? 0 : disk / 100,
    heat,
    p.severityPressure[severities.indexOf(input.severity)] as number,
  );
  const scores = [
    historyPressure === undefined ? undefined : 1 - Math.abs(pressure - historyPressure),
    1 - pressure,
    latencyMs === undefined ? undefined : 1 / (1 + latencyMs / p.latencyMs.scale),
    1 - (cpu + ram) / 200,
    contextRelevance,
    errorRate === undefined ? undefined : 1 - errorRate,
  ];
  let total = 0;
  for (const [i, score] of scores.entries()) if (score !== undefined) total += p.weights[i] as number;
  const factors: Score['factors'] = [];
  let confidence = 0;
  for (const [i, score] of scores.entries()) {
    if (score === undefined) continue;
    const weight = (p.weights[i] as number) / total;
    factors.push({ name: factorNames[i]!, score, weight, share: score * weight });
    confidence += score * weight;
  }
  return {
    ...decide(input, p),
    confidence: Math.min(1, confidence),
    factors,
    absent: factorNames.filter((_, i) => scores[i] === undefined),
    pressure,
  };
}

function decide(input: ScoreInput, p: Parameters): Pick<Score, 'decision' | 'reasons'> {
  const asked = highest([...severityRules(input.severity), ...figureRules(input, p, 0)]);
  const made = (level: number, reasons: string[]) => ({ decision: decisions[level]!, reasons });
  const { previousDecision, previousAgeMs } = input;
  if (previousDecision === undefined || previousAgeMs === undefined) return made(asked.level, asked.ids);
  const previous = decisions.indexOf(previousDecision);
  if (previous <= asked.level) return made(asked.level, asked.ids);
  const near = highest(figureRules(input, p, p.hysteresis));
  const held = Math.min(previous, near.level);
  if (held < previous && previousAgeMs < p.cooldownMs) return made(previous, ['held_by_cooldown']);
  if (held > asked.level)
    return made(
      held,
      near.ids.map((id) => `held_${id}`),
    );
  return made(asked.level, asked.ids);
}

/** The highest level of the rules that hold, and which give it. */
function highest(rules: Rule[]): { level: number; ids: string[] } {
  const holding = rules.filter(([, , holds]) => holds);
  const level = Math.max(0, ...holding.map(([of]) => of));
  return { level, ids: holding.filter(([of]) => of === level).map(([, id]) => id) };
}

function severityRules(severity: ScoreInput['severity']): Rule[] {
  return [
    [3, 'severity_critical', severity === 'critical'],
    [1, 'severity_high', severity === 'high'],
  ];
}

/** In the order of their bits; `ease` is the share by which each threshold is lowered. */
function figureRules(input: ScoreInput, p: Parameters, ease: number): Rule[] {
  const { cpu, ram, temperatureC, disk, errorRate, latencyMs } = input;
  const above = (level: number, name: string, value: number | undefined, threshold: number): Rule => [
    level,
    `${name}_above_${threshold}`,
    value !== undefined && value > threshold - threshold * ease,
  ];
  const from = (level: number, threshold: number): Rule => [
    level,
    `temperature_from_${threshold}`,
    temperatureC !== undefined && temperatureC >= threshold - threshold * ease,
  ];
  return [
    from(3, p.temperatureC.emergency),
    above(2, 'cpu', cpu, p.cpu.reduce),
    above(2, 'ram', ram, p.ram.reduce),
    from(2, p.temperatureC.reduce),
    above(2, 'disk', disk, p.disk.reduce),
    above(2, 'error_rate', errorRate, p.errorRate.reduce),
    above(2, 'latency', latencyMs, p.latencyMs.reduce),
    above(1, 'cpu', cpu, p.cpu.monitor),
    above(1, 'ram', ram, p.ram.monitor),
    from(1, p.temperatureC.monitor),
    above(1, 'disk', disk, p.disk.monitor),
    above(1, 'error_rate', errorRate, p.errorRate.monitor),
    above(1, 'latency', latencyMs, p.latencyMs.monitor),
  ];
}

import { parameters as p } from '../parameters.js';
import { decisions, factorNames, type Score, type ScoreInput, severities } from '../score-types.js';

/** Scoring in plain TypeScript: the slow twin that property tests hold against the hot core, bit for bit. */
export function referenceScore(input: ScoreInput): Score {
  const { cpu, ram, severity, temperatureC, disk, errorRate, latencyMs, contextRelevance, historyPressure } =
    input;
  const rules: [level: number, id: string, holds: boolean][] = [
    [3, 'severity_critical', severity === 'critical'],
    [3, 'temperature_from_85', temperatureC !== undefined && temperatureC >= 85],
    [2, 'cpu_above_80', cpu > 80],
    [2, 'ram_above_90', ram > 90],
    [2, 'temperature_from_78', temperatureC !== undefined && temperatureC >= 78],
    [2, 'disk_above_95', disk !== undefined && disk > 95],
    [2, 'error_rate_above_0.5', errorRate !== undefined && errorRate > 0.5],
    [2, 'latency_above_10000', latencyMs !== undefined && latencyMs > 10_000],
    [1, 'severity_high', severity === 'high'],
    [1, 'cpu_above_60', cpu > 60],
    [1, 'ram_above_75', ram > 75],
    [1, 'temperature_from_70', temperatureC !== undefined && temperatureC >= 70],
    [1, 'disk_above_85', disk !== undefined && disk > 85],
    [1, 'error_rate_above_0.2', errorRate !== undefined && errorRate > 0.2],
    [1, 'latency_above_3000', latencyMs !== undefined && latencyMs > 3000],
  ];
  const level = Math.max(0, ...rules.filter(([, , holds]) => holds).map(([of]) => of));
  const heat = temperatureC === undefined ? 0 : Math.min(1, Math.max(0, (temperatureC - 40) / 45));
  const pressure = Math.max(
    cpu / 100,
    ram / 100,
    disk === undefined ? 0 : disk / 100,
    heat,
    p.severityPressure[severities.indexOf(severity)] as number,
  );
  const scores = [
    historyPressure === undefined ? undefined : 1 - Math.abs(pressure - historyPressure),
    1 - pressure,
    latencyMs === undefined ? undefined : 1 / (1 + latencyMs / 1000),
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
    decision: decisions[level]!,
    confidence: Math.min(1, confidence),
    factors,
    absent: factorNames.filter((_, i) => scores[i] === undefined),
    reasons: level === 0 ? [] : rules.filter(([of, , holds]) => holds && of === level).map(([, id]) => id),
    pressure,
  };
}

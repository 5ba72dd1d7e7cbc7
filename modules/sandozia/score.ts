import { levels } from '../../runtime/contracts/device.js';
import type { SystemStatus } from '../../runtime/contracts/module.js';
import type { CheckResult } from './examiner.js';

/** What a part weighs; they sum to 1. */
const weights = { agreement: 0.35, modules: 0.2, ledger: 0.2, level: 0.15, incidents: 0.1 } as const;

const ofFinding = { ok: 1, info: 1, warning: 0.5, critical: 0 } as const;
const ofModule = { ok: 1, degraded: 0.5, failed: 0, stopped: 0 } as const;

export interface ScorePart {
  name: keyof typeof weights;
  /** 0 to 1. */
  value: number;
  weight: number;
  why: string;
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 1 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** How well the appliance agrees with itself and stands, 0 to 1, with the parts that it is made of. */
export function globalScore(
  checks: readonly CheckResult[],
  status: Pick<SystemStatus, 'modules' | 'ledger' | 'level' | 'incidents'>,
): { score: number; parts: ScorePart[] } {
  const compared = checks.flatMap(({ level }) => (level === null ? [] : [ofFinding[level]]));
  const modules = Object.values(status.modules).map(({ state }) => ofModule[state]);
  const open = status.incidents.filter(({ cleared_ms }) => cleared_ms === null).length;
  const step = levels.indexOf(status.level);
  const values: Record<keyof typeof weights, [number, string]> = {
    agreement: [mean(compared), `${compared.length} of ${checks.length} checks have compared`],
    modules: [
      mean(modules),
      `${modules.filter((value) => value === 1).length} of ${modules.length} are well`,
    ],
    ledger: [status.ledger.state === 'open' ? 1 : 0, `the ledger is ${status.ledger.state}`],
    level: [1 - step / (levels.length - 1), `the level is ${status.level}`],
    incidents: [1 / (1 + open), `${open} are open and go on`],
  };
  const parts = Object.entries(values).map(([name, [value, why]]) => {
    const key = name as keyof typeof weights;
    return { name: key, value, weight: weights[key], why };
  });
  return { score: parts.reduce((sum, { value, weight }) => sum + value * weight, 0), parts };
}

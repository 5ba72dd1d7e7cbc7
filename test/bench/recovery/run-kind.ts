import { seeded } from '../../../runtime/guard/training/random.js';
import type { FaultKind, Outcome } from './kind.js';

export interface Row {
  kind: string;
  about: string;
  waitsFor: string | null;
  rounds: number;
  recovered: number;
  escalated: number;
  /** Of the rounds that recovered or escalated; null when none did. */
  sinceFaultMs: number | null;
  sinceKnownMs: number | null;
  /** Since it could be known. */
  longestMs: number | null;
  incidents: string[];
  /** Why a round was neither, or what did not hold at the end. */
  failures: string[];
  /** Why it was not tried. */
  missing: string | null;
}

const mean = (values: readonly number[]) =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

/** All rounds of one kind on one server; round n has the seed `seed + n`. */
export async function runKind(
  kind: FaultKind,
  { rounds, seed, onRound }: { rounds: number; seed: number; onRound: (line: string) => void },
): Promise<Row> {
  const outcomes: Outcome[] = [];
  const failures: string[] = [];
  const missing = kind.missing?.() ?? null;
  if (missing === null) {
    const scene = await kind.open();
    try {
      for (let round = 0; round < rounds; round++) {
        const of = `${kind.name}, round ${round + 1}, seed ${seed + round}`;
        try {
          const outcome = await scene.round(seeded(seed + round));
          outcomes.push(outcome);
          const end = outcome.incident === undefined ? 'recovered' : `escalated to ${outcome.incident}`;
          onRound(`${of}: ${end} after ${Math.round(outcome.sinceKnownMs)} ms`);
        } catch (error) {
          failures.push(`${of}: ${error instanceof Error ? error.message : String(error)}`);
          onRound(failures.at(-1)!);
        }
      }
      if (failures.length === 0) await scene.verify?.();
    } catch (error) {
      failures.push(`${kind.name}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      await scene.close();
    }
  }
  const since = outcomes.map(({ sinceKnownMs }) => sinceKnownMs);
  return {
    kind: kind.name,
    about: kind.about,
    waitsFor: kind.waitsFor ?? null,
    rounds: missing === null ? rounds : 0,
    recovered: outcomes.filter(({ incident }) => incident === undefined).length,
    escalated: outcomes.filter(({ incident }) => incident !== undefined).length,
    sinceFaultMs: mean(outcomes.map(({ sinceFaultMs }) => sinceFaultMs)),
    sinceKnownMs: mean(since),
    longestMs: since.length === 0 ? null : Math.max(...since),
    incidents: outcomes.flatMap(({ incident }) => incident ?? []),
    failures,
    missing,
  };
}

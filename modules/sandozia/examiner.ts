import type { DeviceSample } from '../../runtime/contracts/device.js';
import type { JsonObject } from '../../runtime/contracts/json.js';
import type { ModuleContext } from '../../runtime/contracts/module.js';
import type { Check, Finding } from './checks/check.js';
import { segmentsOf } from './energy-past.js';
import { EnergyWindows } from './energy-windows.js';
import { Quarantine } from './quarantine.js';
import { Reporter } from './reporter.js';
import { Snapshots } from './snapshots.js';

/** A day of them at the default interval, and some. */
const SNAPSHOTS_MAX = 300;

export interface CheckResult {
  name: string;
  kind: Check['kind'];
  about: string;
  level: Finding['level'] | null;
  fault: string | null;
  evidence: JsonObject;
  checked_ms: number | null;
}

/** The module whose account a check doubts with what it found. */
function doubted(check: Check | undefined, fault: string | null): string | undefined {
  const accountOf = check?.accountOf;
  if (accountOf === undefined || fault === null) return undefined;
  return typeof accountOf === 'string' ? accountOf : accountOf[fault];
}

/** Lets every check compare after each sample, one round at a time, and tells and records what contradicts. */
export class Examiner {
  readonly #context: ModuleContext;
  readonly #checks: readonly Check[];
  readonly #reporter = new Reporter();
  readonly snapshots: Snapshots;
  readonly quarantine: Quarantine;
  readonly energy = new EnergyWindows();
  readonly #results = new Map<string, { finding: Finding; atMs: number }>();
  readonly #unsubscribe: (() => void)[] = [];
  #round: Promise<void> | undefined;
  #roundBeganMs = 0;
  #compared = 0;
  #contradictions = 0;

  constructor(context: ModuleContext, checks: readonly Check[]) {
    this.#context = context;
    this.#checks = checks;
    this.snapshots = new Snapshots(context);
    this.quarantine = new Quarantine(context);
  }

  /** Called again while it listens, it does nothing. */
  listen(): void {
    if (this.#unsubscribe.length > 0) return;
    const { bus } = this.#context;
    for (const check of this.#checks) check.listening?.();
    this.#unsubscribe.push(
      bus.subscribe('prompt.began', (prompt) => {
        for (const check of this.#checks) check.promptBegan?.(prompt);
      }),
      bus.subscribe('prompt.answered', (answer) => {
        for (const check of this.#checks) check.answered?.(answer);
      }),
      bus.subscribe('device.sampled', (sample) => {
        this.energy.add(sample);
        for (const check of this.#checks) check.sampled?.(sample);
        this.#begin(sample);
      }),
      bus.subscribe('decision.made', (decision) => {
        for (const check of this.#checks) check.decided?.(decision);
      }),
      bus.subscribe('level.changed', (change) => {
        for (const check of this.#checks) check.levelChanged?.(change);
      }),
    );
  }

  /** Hears nothing more, and waits for the round that is under way. */
  async stop(): Promise<void> {
    for (const end of this.#unsubscribe.splice(0)) end();
    await this.#round;
    await this.quarantine.end();
  }

  /** Reads from the ledger what earlier processes used in the last day. @throws what the ledger throws. */
  async recallEnergy(): Promise<void> {
    const { clock, ledger } = this.#context;
    const events = await ledger.query({ type: 'snapshot_taken', limit: SNAPSHOTS_MAX, order: 'desc' });
    this.energy.recall(segmentsOf(events, clock.wallMs()), clock.monotonicMs());
  }

  get compared(): number {
    return this.#compared;
  }

  get contradictions(): number {
    return this.#contradictions;
  }

  results(): CheckResult[] {
    return this.#checks.map(({ name, kind, about }) => {
      const result = this.#results.get(name);
      const finding = result?.finding;
      const found = finding === undefined || finding.level === 'ok' ? undefined : finding;
      return {
        name,
        kind,
        about,
        level: finding?.level ?? null,
        fault: found?.fault ?? null,
        evidence: found?.evidence ?? {},
        checked_ms: result?.atMs ?? null,
      };
    });
  }

  /** A sample that comes while a round is under way is heard, and compared by the next round. */
  #begin(sample: DeviceSample): void {
    if (this.#round !== undefined) return;
    this.#round = this.#compareAll(sample).finally(() => {
      this.#round = undefined;
    });
  }

  async #compareAll(sample: DeviceSample): Promise<void> {
    await this.#runChecks();
    await this.snapshots.takeIfDue(sample, this.results());
  }

  /** Lets every check compare now; waits for a round that is under way, so that two never overlap. */
  async validate(): Promise<CheckResult[]> {
    while (this.#round !== undefined) await this.#round;
    this.#round = this.#runChecks().finally(() => {
      this.#round = undefined;
    });
    await this.#round;
    return this.results();
  }

  /** For how long a round has been under way; 0 between two. While one does not end nothing is compared. */
  get roundMs(): number {
    return this.#round === undefined ? 0 : this.#context.clock.monotonicMs() - this.#roundBeganMs;
  }

  async #runChecks(): Promise<void> {
    this.#roundBeganMs = this.#context.clock.monotonicMs();
    for (const check of this.#checks) {
      const finding = await this.#compare(check);
      this.#results.set(check.name, { finding, atMs: this.#context.clock.wallMs() });
      if (this.#reporter.shouldTell(check.name, finding, this.#context.clock.monotonicMs())) {
        await this.#tell(check, finding);
      }
    }
    this.#compared += 1;
    await this.quarantine.judge(
      this.results().map((one, n) => ({ ...one, accountOf: doubted(this.#checks[n], one.fault) })),
    );
  }

  /** A check that cannot compare has found no contradiction, and says so. */
  async #compare(check: Check): Promise<Finding> {
    try {
      return await check.compare();
    } catch (error) {
      this.#context.log.warn({ err: error, check: check.name }, 'a check could not compare');
      const reason = error instanceof Error ? error.message : String(error);
      return { level: 'info', fault: 'could_not_compare', evidence: { reason } };
    }
  }

  async #tell(check: Check, finding: Finding): Promise<void> {
    if (finding.level === 'ok') return;
    const { level, fault, evidence } = finding;
    this.#contradictions += 1;
    this.#context.log.warn({ check: check.name, level, fault, evidence }, 'two accounts contradict');
    this.#context.bus.publish('contradiction.detected', {
      check: check.name,
      evidence: { level, fault, ...evidence },
    });
    try {
      await this.#context.ledger.append({
        type: 'contradiction_detected',
        module: 'sandozia',
        data: { check: check.name, evidence, fault, level },
      });
    } catch (error) {
      this.#context.log.error({ err: error, check: check.name }, 'a contradiction could not be recorded');
    }
  }
}

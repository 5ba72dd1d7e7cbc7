import type { Clock } from '../contracts/clock.js';
import type { ErrorClass } from '../contracts/incident.js';
import type { NewEvent } from '../contracts/ledger.js';
import type { RecoveryStrategy } from '../contracts/recovery.js';
import type { RetryBudget } from './budget.js';
import type { Check, Issue } from './check.js';
import { classify } from './error-class.js';
import type { IncidentBook } from './incident-file.js';
import { type Backoff, planFor, waitMs } from './strategy.js';

export interface HealerOptions {
  checks: readonly Check[];
  incidents: IncidentBook;
  clock: Clock;
  random: () => number;
  backoff: Backoff;
  budget: RetryBudget;
  record(event: NewEvent): void;
  onError(error: unknown, check: string): void;
}

/** What may pass by itself. */
const passing: ReadonlySet<ErrorClass> = new Set(['transient', 'overload']);

interface Treatment {
  check: Check;
  issue: Issue;
  plan: RecoveryStrategy[];
  tried: RecoveryStrategy[];
  dueMs: number;
  /** An attempt met what only a person can change. */
  hopeless: boolean;
}

/**
 * Runs every check, and against each issue one attempt after another by the plan of its class: apply a fixup, run the check again, and
 * only when it finds nothing any more is it recovered. What the plan cannot mend becomes an incident; what may pass is tried on. An issue that goes away between
 * two attempts is just over. Attempts share a budget.
 */
export class Healer {
  readonly #options: HealerOptions;
  readonly #treated = new Map<string, Treatment>();
  #pass: Promise<void> | undefined;

  constructor(options: HealerOptions) {
    this.#options = options;
  }

  /** One pass; a call while one is under way waits for that one. */
  pass(): Promise<void> {
    this.#pass ??= this.#runAll().finally(() => {
      this.#pass = undefined;
    });
    return this.#pass;
  }

  /** What is being treated now, for /status. */
  status(): { check: string; target: string; problem: string; tried: RecoveryStrategy[] }[] {
    return [...this.#treated.values()].map(({ check, issue, tried }) => ({
      check: check.name,
      target: issue.target,
      problem: issue.problem,
      tried: [...tried],
    }));
  }

  async #runAll(): Promise<void> {
    for (const check of this.#options.checks) {
      const found = this.#look(check);
      if (found === undefined) continue;
      this.#options.budget.earn();
      await this.#forget(check, found);
      for (const issue of found) await this.#treat(check, issue);
    }
  }

  /** undefined: the check itself failed, and says nothing. */
  #look(check: Check): Issue[] | undefined {
    try {
      return check.run();
    } catch (error) {
      this.#options.onError(error, check.name);
      return undefined;
    }
  }

  async #forget(check: Check, found: readonly Issue[]): Promise<void> {
    const targets = new Set(found.map(({ target }) => target));
    for (const [key, { issue, check: by }] of this.#treated) {
      if (by === check && !targets.has(issue.target)) this.#treated.delete(key);
    }
    const { incidents } = this.#options;
    for (const open of incidents.open()) {
      if (open.check === check.name && !targets.has(open.target))
        await incidents.cleared(open.check, open.target);
    }
  }

  async #treat(check: Check, issue: Issue): Promise<void> {
    const { clock, budget } = this.#options;
    const key = `${check.name} ${issue.target}`;
    const treatment = this.#treated.get(key) ?? this.#begin(check, issue);
    treatment.issue = issue;
    this.#treated.set(key, treatment);
    if (clock.monotonicMs() < treatment.dueMs) return;
    const planned = treatment.plan[treatment.tried.length] ?? 'manual_intervention';
    if (planned === 'manual_intervention') await this.#escalate(check, issue, treatment);
    // A person knows by now; what may pass by itself is tried on, at the longest wait.
    const strategy = planned === 'manual_intervention' ? 'exponential_backoff' : planned;
    const fixup = issue.fixups[strategy];
    const over = planned === 'manual_intervention' && (treatment.hopeless || !passing.has(issue.class));
    if (fixup === undefined || over) return;
    // Without a budget it waits for the next pass.
    if (!budget.spend()) return;
    if (planned !== 'manual_intervention') treatment.tried.push(strategy);
    const { target } = issue;
    this.#options.record({ type: 'recovery_attempted', module: 'kernel', data: { target, strategy } });
    let cause = 'still_there';
    try {
      await fixup.apply();
    } catch (error) {
      const kind = classify(error);
      cause = `${fixup.name}_failed_${kind}`;
      this.#options.onError(error, check.name);
      // Nothing of the plan helps against what only a person can change.
      if (kind === 'integrity') {
        treatment.hopeless = true;
        treatment.plan = [...treatment.tried, 'manual_intervention'];
      }
    }
    const left = this.#look(check);
    if (left !== undefined && !left.some((one) => one.target === target)) {
      this.#treated.delete(key);
      await this.#options.incidents.cleared(check.name, target);
      this.#options.record({ type: 'recovery_succeeded', module: 'kernel', data: { target, strategy } });
      return;
    }
    this.#options.record({ type: 'recovery_failed', module: 'kernel', data: { target, strategy, cause } });
    // Nothing is left to try, and nothing passes by itself: a person is told at once.
    if (treatment.plan[treatment.tried.length] === 'manual_intervention' && !passing.has(issue.class))
      await this.#escalate(check, issue, treatment);
    const { backoff, random } = this.#options;
    const wait =
      planned === 'manual_intervention' ? backoff.capMs : waitMs(treatment.tried.length, backoff, random);
    treatment.dueMs = clock.monotonicMs() + wait;
  }

  async #escalate(check: Check, issue: Issue, { tried }: Treatment): Promise<void> {
    const { class: kind, problem, target } = issue;
    await this.#options.incidents.add({ check: check.name, target, class: kind, problem, tried: [...tried] });
  }

  #begin(check: Check, issue: Issue): Treatment {
    const possible = new Set(Object.keys(issue.fixups) as RecoveryStrategy[]);
    const plan = planFor(issue.class, possible);
    return { check, issue, plan, tried: [], dueMs: this.#options.clock.monotonicMs(), hopeless: false };
  }
}

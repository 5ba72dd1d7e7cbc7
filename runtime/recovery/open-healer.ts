import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.js';
import type { Breakers } from '../contracts/breaker.js';
import type { Clock } from '../contracts/clock.js';
import type { RolledBack } from '../contracts/configuration.js';
import type { Degradation } from '../contracts/device.js';
import type { Incident } from '../contracts/incident.js';
import type { Ledger, NewEvent } from '../contracts/ledger.js';
import type { ModuleHealth } from '../contracts/module.js';
import type { PromptRunner } from '../contracts/sandbox.js';
import { writeFileAtomic } from '../data-folder/write-file-atomic.js';
import { RetryBudget } from './budget.js';
import { AccountsAgree } from './checks/accounts-agree.js';
import { BreakerStuck } from './checks/breaker-stuck.js';
import { ConfigurationInForce } from './checks/configuration-in-force.js';
import { EngineLost } from './checks/engine-lost.js';
import { LedgerRecords } from './checks/ledger-records.js';
import { LedgerWhole } from './checks/ledger-whole.js';
import { ModuleFailed } from './checks/module-failed.js';
import { PoolThreads } from './checks/pool-threads.js';
import { WorkersThere } from './checks/workers-there.js';
import { FindEngines } from './fixups/find-engines.js';
import { RestartModule } from './fixups/restart-module.js';
import { RestartPool } from './fixups/restart-pool.js';
import { RestartProcess } from './fixups/restart-process.js';
import { RestartWriter } from './fixups/restart-writer.js';
import { StepDown } from './fixups/step-down.js';
import { Wait } from './fixups/wait.js';
import { Healer } from './healer.js';
import { IncidentBook, type IncidentChange, type IncidentStorage, incidentFile } from './incident-file.js';

/** Attempts at most per look of a check, and how many may be saved up. */
const budgetShare = 0.2;
const budgetReserve = 10;

export interface OpenHealerOptions {
  folder: string;
  config: Config['recovery'];
  clock: Clock;
  random: () => number;
  log: Logger;
  ledger: Pick<Ledger, 'status'> & { restartWriter(): Promise<void> };
  pool: { missing(): number; restart(): Promise<void> };
  prompts: Pick<PromptRunner, 'engines' | 'refreshEngines' | 'status'>;
  breakers: Pick<Breakers, 'all'>;
  degradation: Pick<Degradation, 'level' | 'set'>;
  healths: () => Record<string, ModuleHealth>;
  restartModule: (name: string) => Promise<void>;
  /** Ends the process so that its supervisor starts another. */
  restartProcess: (reason: string) => void;
  record: (event: NewEvent) => void;
  rolledBack: RolledBack | undefined;
  /** Unless given: a file in the folder. */
  incidentStorage?: IncidentStorage;
}

/** The checks and fixups of this appliance, and the incidents of its data folder. */
export async function openHealer(
  options: OpenHealerOptions,
): Promise<{ healer: Healer; incidents: IncidentBook }> {
  const { config, clock, random, log, record } = options;
  const incidents = await IncidentBook.open({
    storage: options.incidentStorage ?? incidentFile(join(options.folder, 'incidents.json'), writeFileAtomic),
    clock,
    random,
    onError: (error) => log.error({ err: error }, 'the incidents could not be kept or read'),
    onChange: (change, incident) => {
      if (change === 'opened') log.error({ incident }, 'an incident needs a person');
      record(incidentEvent(change, incident));
    },
  });
  const healer = new Healer({
    checks: checksOf(options),
    incidents,
    clock,
    random,
    backoff: { baseMs: config.backoff_ms, capMs: config.backoff_max_ms },
    budget: new RetryBudget(budgetShare, budgetReserve),
    record,
    onError: (error, check) => log.error({ err: error, check }, 'a check or a fixup failed'),
  });
  return { healer, incidents };
}

function checksOf({
  config,
  ledger,
  pool,
  prompts,
  breakers,
  degradation,
  healths,
  restartModule,
  restartProcess,
  rolledBack,
}: OpenHealerOptions) {
  const find = new FindEngines(prompts);
  const wait = new Wait();
  // Asked once a look; who comes later in the list reads the same.
  let told: Record<string, ModuleHealth> = {};
  const ask = () => {
    told = healths();
    return told;
  };
  const restart = new RestartProcess(restartProcess, 'the ledger has failed');
  return [
    new LedgerRecords(ledger, {
      unavailable: {
        graceful_degradation: new StepDown(degradation, 'the disk refuses the ledger'),
        exponential_backoff: wait,
      },
      failed: {
        restart: new RestartWriter(
          () => ledger.restartWriter(),
          config.restart_process ? restart : undefined,
        ),
      },
    }),
    new LedgerWhole(ledger),
    new EngineLost(prompts, find),
    new BreakerStuck(breakers, find),
    new ModuleFailed(ask, (name) => new RestartModule(restartModule, name)),
    new WorkersThere(prompts, wait),
    new ConfigurationInForce(rolledBack),
    new AccountsAgree(() => told),
    new PoolThreads(() => pool.missing(), new RestartPool(() => pool.restart())),
  ];
}

function incidentEvent(change: IncidentChange, incident: Incident): NewEvent {
  const { id, check, target, class: kind, tried, acknowledged_by, closed_by } = incident;
  const about = { id, check, target };
  switch (change) {
    case 'opened':
      return { type: 'incident_opened', module: 'kernel', data: { ...about, class: kind, tried } };
    case 'acknowledged':
      return {
        type: 'incident_acknowledged',
        module: 'kernel',
        data: { ...about, by: acknowledged_by ?? '' },
      };
    case 'closed':
      return { type: 'incident_closed', module: 'kernel', data: { ...about, by: closed_by ?? '' } };
  }
}

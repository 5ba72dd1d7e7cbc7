import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../runtime/contracts/errors.js';
import type { Receipt } from '../../runtime/contracts/ledger.js';
import type { SqliteLedger } from '../../runtime/ledger/ledger.js';
import { LedgerFileError } from '../../runtime/ledger/ledger-file-error.js';
import { examine, type Found, openIn, toldOf } from './check.js';
import { ShimControl } from './shim.js';

/** What one run on a disk whose call `failAt` fails came to. */
export interface Outcome {
  failAt: number;
  /** Storage calls that were made, of them to open it, and of all failed. */
  calls: number;
  opening: number;
  injected: number;
  acknowledged: number;
  /** Codes of the errors that callers got. */
  refused: string[];
  /** Errors of no published kind. */
  unforeseen: string[];
  /** Whether it recorded again by itself once the disk was good. */
  recovered: boolean;
  after: Found;
  /** What would be there after a power cut at the end. */
  afterPowerCut: Found;
}

interface Order {
  failAt: number[];
  forever: boolean;
  error: 'ENOSPC' | 'EIO' | 'EROFS';
}

const dataDir = process.env.SHIM_DIR!;
const shadowDir = process.env.SHIM_SHADOW!;
const control = new ShimControl(process.env.SHIM_CONTROL!);

class Run {
  readonly acknowledged = new Map<number, string>();
  readonly refused: string[] = [];
  readonly unforeseen: string[] = [];

  tell(error: unknown): void {
    if (error instanceof AppError || error instanceof LedgerFileError) this.refused.push(error.code);
    else this.unforeseen.push(String(error));
  }

  async wave(ledger: SqliteLedger, events: number): Promise<void> {
    const told = await Promise.allSettled(
      Array.from({ length: events }, (_, n) =>
        ledger.append({ type: 'decision_made', module: 'zeroia', data: { n }, texts: { text: `text ${n}` } }),
      ),
    );
    for (const one of told) {
      if (one.status === 'fulfilled') this.take(one.value);
      else this.tell(one.reason);
    }
  }

  take({ index, leaf_hash }: Receipt): void {
    if (this.acknowledged.has(index)) throw new Error(`index ${index} was given twice`);
    this.acknowledged.set(index, leaf_hash);
  }

  async open(folder: string): Promise<SqliteLedger | undefined> {
    try {
      return await openIn(folder, (error) => this.unforeseen.push(String(error)));
    } catch (error) {
      this.tell(error);
      return undefined;
    }
  }
}

/** Records a little: several batches, a text each, a checkpoint, a read. */
async function use(run: Run, ledger: SqliteLedger): Promise<void> {
  for (let n = 0; n < 4; n++) await run.wave(ledger, 12);
  try {
    await ledger.log.covering(ledger.status().size);
    await ledger.query({ limit: 5, order: 'desc' });
  } catch (error) {
    run.tell(error);
  }
  await run.wave(ledger, 3);
}

async function isOpen(ledger: SqliteLedger): Promise<boolean> {
  for (let n = 0; n < 1000 && ledger.status().state === 'unavailable'; n++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return ledger.status().state === 'open';
}

async function attempt(failAt: number, { forever, error }: Order): Promise<Outcome> {
  const name = `${forever}-${error}-${failAt}`;
  const folder = join(dataDir, name);
  mkdirSync(folder);
  const run = new Run();
  control.arm(failAt, { error, forever });
  let ledger = await run.open(folder);
  const opening = control.get('calls');
  if (ledger !== undefined) await use(run, ledger);
  const [calls, injected] = [control.get('calls'), control.get('injected')];
  control.set({ failAt: 0 });
  ledger ??= await run.open(folder);
  if (ledger === undefined) throw new Error(`a good disk was refused: ${run.refused.join(', ')}`);
  const recovered = await isOpen(ledger);
  const before = run.acknowledged.size;
  await run.wave(ledger, 1);
  const powerCut = join(process.env.SHIM_CUT!, name);
  cpSync(join(shadowDir, name), powerCut, { recursive: true });
  const afterPowerCut = await examine(powerCut, toldOf(run.acknowledged));
  await ledger.close();
  return {
    failAt,
    calls,
    opening,
    injected,
    acknowledged: run.acknowledged.size,
    refused: run.refused,
    unforeseen: run.unforeseen,
    recovered: recovered && run.acknowledged.size === before + 1,
    after: await examine(folder, toldOf(run.acknowledged)),
    afterPowerCut,
  };
}

const order = JSON.parse(process.argv[2]!) as Order;
for (const failAt of order.failAt) {
  process.stdout.write(`${JSON.stringify(await attempt(failAt, order))}\n`);
}
control.close();

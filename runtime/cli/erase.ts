import { z } from 'zod';
import type { EraseSelector } from '../contracts/ledger.js';
import { printable } from '../contracts/text.js';
import { control } from './control.js';
import { CliFailure } from './failure.js';
import { type CliIo, exitCodes } from './io.js';
import { type ConfigFlags, loadFromFlags } from './settings.js';

export interface EraseFlags extends ConfigFlags {
  session?: string;
  key?: string;
  before?: string;
  id?: string[];
}

const answer = z.object({
  events: z.number(),
  texts: z.number(),
  files: z.array(z.string()),
  unreadable: z.array(z.string()),
  receipt: z.object({ index: z.number() }),
});

/** Erases texts through the running server, or in the data folder when none runs. Fails when a file could not be looked into. */
export async function erase(flags: EraseFlags, io: CliIo): Promise<number> {
  const selector = selectorOf(flags);
  const { config } = loadFromFlags(flags, io);
  const reply = await control(config.data_dir, { method: 'POST', path: '/ledger/erase', body: selector });
  const { events, texts, files, unreadable, receipt } = answer.parse(
    reply.server === 'running' ? reply.value : await offline(config, selector),
  );
  io.out(`Erased ${texts} texts of ${events} events; recorded as event ${receipt.index}.\n`);
  if (files.length > 0) io.out(`Also in ${printable(files.join(', '))}.\n`);
  if (unreadable.length === 0) return exitCodes.ok;
  io.err(
    `Could not be read, so nobody knows what they hold: ${printable(unreadable.join(', '))}. Delete them, or have them examined.\n`,
  );
  return exitCodes.failed;
}

async function offline(
  config: ReturnType<typeof loadFromFlags>['config'],
  selector: EraseSelector,
): Promise<unknown> {
  const { withOfflineLedger } = await import('./offline-access.js');
  return withOfflineLedger(config, 'erase', ({ ledger }) => ledger.erase(selector, 'command line'));
}

function selectorOf({ session, key, before, id }: EraseFlags): EraseSelector {
  const given = [session, key, before, id].filter((value) => value !== undefined);
  if (given.length !== 1) {
    throw new CliFailure('Say whose texts: one of --session, --key, --before, --id.', exitCodes.usage);
  }
  if (session !== undefined) return { session };
  if (key !== undefined) return { key };
  if (before !== undefined) return { before: timeOf(before) };
  return { ids: (id ?? []).map(indexOf) };
}

/** A date of ISO 8601; without a zone it is UTC, so that the same words mean the same on every machine. */
function timeOf(text: string): number {
  const match = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d)?)?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  const ms = match === null ? Number.NaN : Date.parse(`${match[1]}${match[2] ?? 'T00:00'}${match[3] ?? 'Z'}`);
  if (ms >= 0) return ms;
  throw new CliFailure(
    `--before is a time such as 2026-01-31 or 2026-01-31T12:00:00Z, not ${text}`,
    exitCodes.usage,
  );
}

function indexOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new CliFailure(`--id takes indexes of events, not ${text}`, exitCodes.usage);
}

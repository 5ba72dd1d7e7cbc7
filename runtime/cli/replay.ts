import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Core } from '../../core-wasm/index.js';
import type { Config } from '../config/schema.js';
import { packageVersion } from '../config/version.js';
import { systemClock } from '../contracts/clock.js';
import { printable } from '../contracts/text.js';
import { CorePool } from '../core/pool.js';
import { openDataFolder } from '../data-folder/data-folder.js';
import { EventCatalog } from '../ledger/events/catalog.js';
import { QueryClient } from '../ledger/query.js';
import type { RecordedDecision } from '../replay/compare.js';
import { type ReplayReport, replayDecisions } from '../replay/replay.js';
import { pagesOfFile, pagesOfLedger, type Selection } from '../replay/sources.js';
import { control } from './control.js';
import { CliFailure } from './failure.js';
import { type CliIo, exitCodes } from './io.js';
import { type ConfigFlags, loadFromFlags } from './settings.js';

export interface ReplayFlags extends ConfigFlags {
  since: number;
  limit?: number;
  file?: string;
}

type Pages = AsyncIterable<RecordedDecision[]>;

/** How often a long run says that it goes on. */
const progressDecisions = 10_000;
const eventsAnswer = z.object({ events: z.array(z.unknown()) });

/** Scores recorded decisions again and tells whether each is what was recorded, to the bit. Fails when any differs. */
export async function replay(flags: ReplayFlags, io: CliIo): Promise<number> {
  const { config } = loadFromFlags(flags, io);
  const selection = { since: flags.since, limit: flags.limit ?? Number.MAX_SAFE_INTEGER };
  const report = await withPages(config, flags.file, selection, (pages) => replayPages(config, pages, io));
  io.out(
    `${render(report)
      .map((line) => printable(line))
      .join('\n')}\n`,
  );
  return report.differ === 0 ? exitCodes.ok : exitCodes.failed;
}

async function replayPages(config: Config, pages: Pages, io: CliIo): Promise<ReplayReport> {
  const tell = (error: unknown) => io.err(`A thread failed: ${printable(String(error))}\n`);
  const pool = new CorePool(Core.create(), { threads: config.core.threads, onError: tell });
  let told = 0;
  try {
    return await replayDecisions({
      pages,
      dataDir: config.data_dir,
      pool,
      onPoolFailure: tell,
      onProgress: (decisions) => {
        if (decisions - told < progressDecisions) return;
        told = decisions;
        io.err(`${decisions} decisions …\n`);
      },
    });
  } finally {
    await pool.close();
  }
}

/** From the file, from the server that runs on the data folder, or from the folder itself when none does. */
async function withPages<T>(
  config: Config,
  file: string | undefined,
  selection: Selection,
  use: (pages: Pages) => Promise<T>,
): Promise<T> {
  if (file !== undefined) {
    if (!existsSync(file)) throw new CliFailure(`There is no file ${file}.`, exitCodes.usage);
    return use(pagesOfFile(file, selection));
  }
  const reply = await control(config.data_dir, { method: 'GET', path: '/health' });
  if (reply.server === 'none') return withFolder(config, selection, use);
  const ask = async (since: number, limit: number) => {
    const path = `/ledger/events?type=decision_made&order=asc&since=${since}&limit=${limit}`;
    const answer = await control(config.data_dir, { method: 'GET', path });
    if (answer.server === 'none') throw new CliFailure('The server ended during the replay.');
    return eventsAnswer.parse(answer.value).events;
  };
  return use(pagesOfLedger(ask, selection));
}

async function withFolder<T>(
  config: Config,
  selection: Selection,
  use: (pages: Pages) => Promise<T>,
): Promise<T> {
  if (!existsSync(join(config.data_dir, 'ledger.sqlite'))) {
    throw new CliFailure(`There is no ledger in ${config.data_dir}. Name its folder with --data.`);
  }
  const address = 'arkalia replay';
  const folder = await openDataFolder(config.data_dir, {
    address,
    version: packageVersion(),
    clock: systemClock,
  });
  const ledger = new QueryClient(join(folder.path, 'ledger.sqlite'), new EventCatalog());
  try {
    const ask = (since: number, limit: number) =>
      ledger.query({ type: 'decision_made', since, limit, order: 'asc' });
    return await use(pagesOfLedger(ask, selection));
  } finally {
    await ledger.close();
    await folder.release();
  }
}

function render({ agreed, differ, first, otherCores }: ReplayReport): string[] {
  const others = [...otherCores].map(
    ([sha256, { decisions, why }]) => `  ${decisions} by ${sha256.slice(0, 16)}: ${why}`,
  );
  const other = [...otherCores.values()].reduce((sum, { decisions }) => sum + decisions, 0);
  return [
    `decisions   ${agreed + differ + other}`,
    `agreed      ${agreed}`,
    `differ      ${differ}`,
    ...(first === undefined
      ? []
      : [
          `  first: event ${first.index}, ${first.field}`,
          `  recorded ${first.recorded}`,
          `  replayed ${first.replayed}`,
        ]),
    `other core  ${other}`,
    ...others,
  ];
}

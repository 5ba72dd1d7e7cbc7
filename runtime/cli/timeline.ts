import { z } from 'zod';
import type { EventQuery } from '../contracts/ledger.js';
import { control } from './control.js';
import { CliFailure } from './failure.js';
import { type CliIo, exitCodes } from './io.js';
import { withLedgerFile } from './ledger-file.js';
import { type ConfigFlags, loadFromFlags } from './settings.js';
import { type Column, columnsOf } from './timeline/columns.js';
import { chartChars, draw } from './timeline/draw.js';
import { type AskEvents, type Recorded, readEvents, timelineEvent } from './timeline/events.js';

export interface TimelineFlags extends ConfigFlags {
  hours: number;
  json?: boolean;
}

const hourMs = 3_600_000;
/** The device is recorded about so often at least; narrower columns would be mostly empty. */
const columnMsMin = 300_000;
const answer = z.object({ events: z.array(timelineEvent) });

/** Draws the last hours up to the newest event, from the server that runs on the data folder or from the folder itself. */
export async function timeline({ hours, json = false, ...flags }: TimelineFlags, io: CliIo): Promise<number> {
  const { config } = loadFromFlags(flags, io);
  const newest = await control(config.data_dir, { method: 'GET', path: '/ledger/events?limit=1&order=desc' });
  const recorded =
    newest.server === 'running'
      ? await readEvents(overSocket(config.data_dir), hours)
      : await withLedgerFile(config, 'arkalia timeline', (ledger) =>
          readEvents((query) => ledger.query({ ...query, order: 'desc' }), hours),
        );
  if (recorded === undefined) {
    io.out(json ? '{"columns":[]}\n' : 'The ledger holds no event.\n');
    return exitCodes.ok;
  }
  io.out(json ? asJson(recorded, hours) : asText(recorded, hours, io.terminal));
  return exitCodes.ok;
}

function overSocket(dataDir: string): AskEvents {
  return async ({ fromMs, toMs, ...query }) => {
    const asked: EventQuery = { ...query, order: 'desc' };
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries({ ...asked, from: fromMs, to: toMs })) {
      if (value !== undefined) parameters.set(name, String(value));
    }
    const reply = await control(dataDir, { method: 'GET', path: `/ledger/events?${parameters}` });
    if (reply.server === 'none') throw new CliFailure('The server stopped while it was asked. Try again.');
    return answer.parse(reply.value).events;
  };
}

function cut(
  { events, toMs }: Recorded,
  hours: number,
  columnsMax: number,
): { columns: Column[]; columnMs: number } {
  const lengthMs = hours * hourMs;
  const columnMs = Math.max(columnMsMin, Math.ceil(lengthMs / columnsMax));
  return { columns: columnsOf(events, { fromMs: toMs - lengthMs, toMs, columnMs }), columnMs };
}

function asJson(recorded: Recorded, hours: number): string {
  const { columns, columnMs } = cut(recorded, hours, Number.POSITIVE_INFINITY);
  const { toMs, cut: incomplete } = recorded;
  return `${JSON.stringify({ to_ms: toMs, hours, column_ms: columnMs, incomplete, columns })}\n`;
}

function asText(recorded: Recorded, hours: number, { columns: width, colours }: CliIo['terminal']): string {
  const chars = chartChars(width);
  const { columns, columnMs } = cut(recorded, hours, chars);
  const to = new Date(recorded.toMs).toISOString().slice(0, 16);
  const lines = [
    `${hours} ${hours === 1 ? 'hour' : 'hours'} to ${to}Z, ${minutes(columnMs)} a column, times in UTC.`,
    ...(recorded.cut ? ['More was recorded than is read; the earliest is left out.'] : []),
    '',
    ...draw(columns, { chars, colours }),
  ];
  return `${lines.join('\n')}\n`;
}

const minutes = (ms: number) => `${Math.round((ms / 60_000) * 10) / 10} min`;

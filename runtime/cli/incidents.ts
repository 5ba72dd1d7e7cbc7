import { z } from 'zod';
import { printable } from '../contracts/text.js';
import { type ControlCall, control } from './control.js';
import { CliFailure } from './failure.js';
import { type CliIo, exitCodes } from './io.js';
import { type ConfigFlags, loadFromFlags } from './settings.js';

const shape = z.object({
  id: z.string(),
  check: z.string(),
  target: z.string(),
  class: z.string(),
  problem: z.string(),
  tried: z.array(z.string()),
  opened_ms: z.number(),
  cleared_ms: z.number().nullable(),
  closed_ms: z.number().nullable(),
  closed_by: z.string().nullable(),
});
type Shown = z.infer<typeof shape>;

/** Lists incidents: the open ones, or all. */
export async function listIncidents(
  { all = false, ...flags }: ConfigFlags & { all?: boolean },
  io: CliIo,
): Promise<number> {
  const { incidents } = z
    .object({ incidents: z.array(shape) })
    .parse(await onServer(flags, io, { method: 'GET', path: '/incidents' }));
  const shown = all ? incidents : incidents.filter(({ closed_ms }) => closed_ms === null);
  if (shown.length === 0) io.out(all ? 'There is no incident.\n' : 'No incident is open.\n');
  for (const incident of shown)
    io.out(
      `${lines(incident)
        .map((line) => printable(line))
        .join('\n')}\n`,
    );
  return exitCodes.ok;
}

export async function closeIncident(id: string, flags: ConfigFlags, io: CliIo): Promise<number> {
  const path = `/incidents/${encodeURIComponent(id)}/close`;
  const closed = shape.parse(await onServer(flags, io, { method: 'POST', path, body: {} }));
  io.out(`${printable(`${closed.id} is closed.`)}\n`);
  if (closed.cleared_ms === null) {
    io.err('What it is about was still there at the last look: if it stays, another one is opened.\n');
  }
  return exitCodes.ok;
}

function lines(incident: Shown): string[] {
  const {
    id,
    check,
    target,
    class: kind,
    problem,
    tried,
    opened_ms,
    cleared_ms,
    closed_ms,
    closed_by,
  } = incident;
  const state =
    closed_ms !== null ? `closed by ${closed_by ?? '?'}` : cleared_ms === null ? 'OPEN' : 'open, fault gone';
  return [
    `${id}  ${time(opened_ms)}  ${state}  ${check} on ${target} (${kind})`,
    `  ${problem}`,
    `  tried: ${tried.join(', ') || 'nothing helps but a person'}`,
  ];
}

function time(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : `${date.toISOString().slice(0, 19)}Z`;
}

async function onServer(flags: ConfigFlags, io: CliIo, call: ControlCall): Promise<unknown> {
  const reply = await control(loadFromFlags(flags, io).config.data_dir, call);
  if (reply.server === 'running') return reply.value;
  throw new CliFailure('No server runs on this data folder. Start it with: npm start');
}

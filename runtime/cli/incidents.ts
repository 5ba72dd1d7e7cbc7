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
  acknowledged_by: z.string().nullable(),
  closed_ms: z.number().nullable(),
  closed_by: z.string().nullable(),
});
type Shown = z.infer<typeof shape>;

const heldShape = z.object({
  module: z.string(),
  check: z.string(),
  fault: z.string(),
  since_ms: z.number(),
  duration_ms: z.number(),
  retries: z.number(),
});
/** What /status tells of modules in quarantine: nothing, where the module that keeps them there is not enabled. */
const statusShape = z.object({
  modules: z.object({
    sandozia: z
      .object({ facts: z.object({ quarantined: z.array(heldShape).optional() }).optional() })
      .optional(),
  }),
  states: z
    .array(
      z.object({
        name: z.string(),
        undone: z.array(
          z.object({ version: z.string(), back_to: z.string(), why: z.string(), at_ms: z.number() }),
        ),
      }),
    )
    .default([]),
});

/** Lists incidents, the open ones or all, the modules that are in quarantine, and what was undone of what modules have learned. */
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
  const status = statusShape.parse(await onServer(flags, io, { method: 'GET', path: '/status' }));
  for (const held of status.modules.sandozia?.facts?.quarantined ?? [])
    io.out(`${printable(heldLine(held))}\n`);
  for (const { name, undone } of status.states)
    for (const { version, back_to, why, at_ms } of undone)
      io.out(`${printable(`${name} ${version} was undone ${time(at_ms)}, back to ${back_to}: ${why}`)}\n`);
  return exitCodes.ok;
}

export async function acknowledgeIncident(id: string, flags: ConfigFlags, io: CliIo): Promise<number> {
  const path = `/incidents/${encodeURIComponent(id)}/acknowledge`;
  const taken = shape.parse(await onServer(flags, io, { method: 'POST', path, body: {} }));
  io.out(
    `${printable(taken.closed_ms === null ? `${taken.id} is taken on by ${taken.acknowledged_by ?? '?'}.` : `${taken.id} is closed already.`)}\n`,
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
    acknowledged_by,
    closed_ms,
    closed_by,
  } = incident;
  const taken = acknowledged_by === null ? '' : `, taken on by ${acknowledged_by}`;
  const open = `${cleared_ms === null ? 'OPEN' : 'open, fault gone'}${taken}`;
  const state = closed_ms !== null ? `closed by ${closed_by ?? '?'}` : open;
  return [
    `${id}  ${time(opened_ms)}  ${state}  ${check} on ${target} (${kind})`,
    `  ${problem}`,
    `  tried: ${tried.join(', ') || 'nothing helps but a person'}`,
  ];
}

function heldLine({
  module,
  check,
  fault,
  since_ms,
  duration_ms,
  retries,
}: z.infer<typeof heldShape>): string {
  const prolonged = retries === 0 ? '' : `, prolonged ${retries === 1 ? 'once' : `${retries} times`}`;
  return `${module} is in quarantine since ${time(since_ms)} for ${duration_ms / 1000} s${prolonged}: ${check} found ${fault}`;
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

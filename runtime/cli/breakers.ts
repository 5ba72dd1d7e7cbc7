import { z } from 'zod';
import type { BreakerOrder } from '../contracts/breaker.js';
import { printable } from '../contracts/text.js';
import { type ControlCall, control } from './control.js';
import { CliFailure } from './failure.js';
import { type CliIo, exitCodes } from './io.js';
import { type ConfigFlags, loadFromFlags } from './settings.js';

const shape = z.object({
  name: z.string(),
  state: z.string(),
  calls: z.number(),
  failures: z.number(),
  slow: z.number(),
  openings: z.number(),
  retry_after_ms: z.number().optional(),
});

/** Lists the breakers, one a line: name, state, window, openings, time to the next probe. */
export async function listBreakers(flags: ConfigFlags, io: CliIo): Promise<number> {
  const { breakers } = z
    .object({ breakers: z.array(shape) })
    .parse(await onServer(flags, io, { method: 'GET', path: '/breakers' }));
  for (const breaker of breakers) io.out(`${printable(line(breaker))}\n`);
  return exitCodes.ok;
}

/** Gives a breaker an order and shows what it is then. */
export async function orderBreaker(
  { name, order }: { name: string; order: BreakerOrder },
  flags: ConfigFlags,
  io: CliIo,
): Promise<number> {
  const path = `/breakers/${encodeURIComponent(name)}`;
  const { changed, breaker } = z
    .object({ changed: z.boolean(), breaker: shape })
    .parse(await onServer(flags, io, { method: 'POST', path, body: { order } }));
  io.out(`${printable(line(breaker))}\n`);
  if (!changed) io.err('It was so already.\n');
  return exitCodes.ok;
}

function line({
  name,
  state,
  calls,
  failures,
  slow,
  openings,
  retry_after_ms,
}: z.infer<typeof shape>): string {
  const next = retry_after_ms === undefined ? '' : `, next probe in ${Math.ceil(retry_after_ms / 1000)} s`;
  return `${name.padEnd(12)} ${state.padEnd(12)} ${failures} failed and ${slow} slow of ${calls} recent calls, opened ${openings} times${next}`;
}

async function onServer(flags: ConfigFlags, io: CliIo, call: ControlCall): Promise<unknown> {
  const reply = await control(loadFromFlags(flags, io).config.data_dir, call);
  if (reply.server === 'running') return reply.value;
  throw new CliFailure(
    'No server runs on this data folder. Breakers live in the server; start it with: npm start',
  );
}

import { z } from 'zod';
import { printable } from '../contracts/text.js';
import { CliFailure } from './failure.js';
import { type CliIo, exitCodes } from './io.js';
import { parseJson, post, problemFailure, readJson, reasonLines } from './server-request.js';
import { findTarget, type TargetFlags } from './settings.js';
import { readSse } from './sse.js';

export interface ChatFlags extends TargetFlags {
  session?: string;
  model?: string;
  /** False with --no-stream. */
  stream: boolean;
}

const ending = z.object({
  model: z.string(),
  engine: z.string(),
  session_id: z.string(),
  finish_reason: z.string().optional(),
  reasons: z.unknown().optional(),
  receipt: z.object({ index: z.number(), leaf_hash: z.string() }),
});
type Ending = z.infer<typeof ending>;

/** Asks the running server and prints its answer as it comes, then who spoke and the receipt. */
export async function chat(message: string, flags: ChatFlags, io: CliIo): Promise<number> {
  const target = findTarget(flags, io);
  const abort = new AbortController();
  const release = io.onSignal(() => abort.abort());
  try {
    const response = await post(target, {
      path: '/chat',
      body: { message, session_id: flags.session, model: flags.model, stream: flags.stream },
      signal: abort.signal,
    });
    const end = flags.stream ? await printStream(response, io) : await printWhole(response, io);
    return printEnding(end, io);
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    io.err('\nStopped.\n');
    return exitCodes.interrupted;
  } finally {
    release();
  }
}

async function printStream(response: Response, io: CliIo): Promise<Ending> {
  let printed = false;
  try {
    for await (const { event, data } of readSse(response.body ?? noBody())) {
      const value = parseJson(data);
      if (event === 'delta') {
        io.out(printable(z.object({ text: z.string() }).parse(value).text, { lines: true }));
        printed = true;
      } else if (event === 'done') {
        return ending.parse(value);
      } else if (event === 'error') {
        throw problemFailure(value, response.status);
      }
    }
  } catch (error) {
    if (printed) io.out('\n');
    if (error instanceof TypeError) throw broken('the connection was lost');
    if (error instanceof z.ZodError) throw broken('a frame does not have the shape of ours');
    throw error;
  }
  if (printed) io.out('\n');
  throw broken('it ended without its last frame');
}

async function* noBody(): AsyncGenerator<Uint8Array> {}

function broken(why: string): CliFailure {
  return new CliFailure(`The answer is not complete: ${why}.`);
}

async function printWhole(response: Response, io: CliIo): Promise<Ending> {
  const parsed = ending.extend({ answer: z.string() }).safeParse(await readJson(response));
  if (!parsed.success) throw new CliFailure('The answer does not have the shape of ours. Is it Arkalia?');
  io.out(printable(parsed.data.answer, { lines: true }));
  return parsed.data;
}

function printEnding(
  { model, engine, receipt, session_id, finish_reason, reasons }: Ending,
  io: CliIo,
): number {
  // The answer alone is on standard output, so that it can be piped.
  io.out('\n');
  io.err(
    `\n-- ${printable(model)} (engine ${printable(engine)}), event ${receipt.index} of the ledger, leaf ${printable(receipt.leaf_hash).slice(0, 16)}\n`,
  );
  io.err(`   go on with: --session ${printable(session_id)}\n`);
  if (finish_reason === 'length') io.err('The answer was cut at its longest length.\n');
  if (finish_reason !== 'content_filter') return exitCodes.ok;
  io.err(`The guard stopped this answer:\n${reasonLines(reasons).map(printableLine).join('')}`);
  return exitCodes.failed;
}

function printableLine(line: string): string {
  return `${printable(line)}\n`;
}

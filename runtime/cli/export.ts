import { closeSync, existsSync, mkdirSync, openSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { openForVerifying } from '../ledger/database.js';
import { type ExportFormat, exportHead, exportLine } from '../ledger/export/lines.js';
import { ExportProof } from '../ledger/export/proof.js';
import { type ExportRange, exportRows } from '../ledger/export/rows.js';
import { control } from './control.js';
import { CliFailure } from './failure.js';
import { type CliIo, exitCodes } from './io.js';
import { type ConfigFlags, loadFromFlags } from './settings.js';

export interface ExportFlags extends ConfigFlags {
  format: ExportFormat;
  /** A folder that is made, or `-` for standard output. */
  out: string;
  type?: string;
  module?: string;
  stream?: string;
  correlationId?: string;
  text?: string;
  since: number;
  until?: number;
  from?: number;
  to?: number;
}

/** Resolves when it takes more. */
type Write = (text: string) => Promise<void>;

/** Characters that are written at once. */
const chunkChars = 65_536;

/** Writes events as they were recorded, to standard output or, with what proves them, into a folder. Reads beside a running server. */
export async function exportEvents(flags: ExportFlags, io: CliIo): Promise<number> {
  const { config } = loadFromFlags(flags, io);
  const file = join(config.data_dir, 'ledger.sqlite');
  if (!existsSync(file)) {
    throw new CliFailure(`There is no ledger in ${config.data_dir}. Name its folder with --data.`);
  }
  // A running server then has a checkpoint over everything that is recorded by now.
  await control(config.data_dir, { method: 'GET', path: '/ledger/checkpoint' });
  const db = openForVerifying(file);
  try {
    return await (flags.out === '-' ? toStandardOutput(db, flags, io) : toFolder(db, flags, io));
  } finally {
    db.close();
  }
}

async function toStandardOutput(db: Database, flags: ExportFlags, io: CliIo): Promise<number> {
  const write = (text: string) => {
    io.out(text);
    return io.outReady();
  };
  await writeEvents(db, flags, rangeOf(flags), { write });
  return exitCodes.ok;
}

async function toFolder(db: Database, flags: ExportFlags, io: CliIo): Promise<number> {
  const { out: folder, format } = flags;
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new CliFailure(`${folder} is not empty. Name a new folder with --out.`, exitCodes.usage);
  }
  const proof = new ExportProof(db, folder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const range = rangeOf(flags);
  range.until = Math.min(range.until, proof.size - 1);
  const file = openSync(join(folder, `events.${format}`), 'wx', 0o600);
  let count: number;
  try {
    const write = async (text: string) => {
      writeSync(file, text);
    };
    count = await writeEvents(db, flags, range, { write, exported: (index) => proof.exported(index) });
  } finally {
    closeSync(file);
  }
  proof.finish();
  io.err(
    `Exported ${count} events of the ${proof.size} that the checkpoint covers, with their proof, into ${folder}.\n`,
  );
  return exitCodes.ok;
}

async function writeEvents(
  db: Database,
  { format }: ExportFlags,
  range: ExportRange,
  { write, exported }: { write: Write; exported?: (index: number) => void },
): Promise<number> {
  let text = exportHead(format);
  let count = 0;
  for (const rows of exportRows(db, range)) {
    for (const row of rows) {
      text += exportLine(row, format);
      exported?.(row.index);
      if (text.length < chunkChars) continue;
      await write(text);
      text = '';
    }
    count += rows.length;
    // Signals and a closed pipe are heard between two pages.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await write(text);
  return count;
}

function rangeOf(flags: ExportFlags): ExportRange {
  const { type, module, stream, correlationId, text, since, from: fromMs, to: toMs } = flags;
  const until = flags.until ?? Number.MAX_SAFE_INTEGER;
  return { type, module, stream, correlationId, text, fromMs, toMs, since, until };
}

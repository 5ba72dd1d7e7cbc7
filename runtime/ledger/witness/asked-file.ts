import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../data-folder/write-file-atomic.js';

const fileName = 'witness-asked.json';

const fileShape = z.strictObject({
  version: z.literal(1),
  /** Verifier key of the log; of another epoch nothing here counts. */
  log: z.string(),
  witnesses: z
    .array(
      z.strictObject({
        key: z.string(),
        /** What it has cosigned last. */
        size: z.number().int().min(0),
        /** Leaf hashes of the bundle that the size lies in, once it is full. */
        bundle: z.base64().optional(),
      }),
    )
    .max(64),
  /** The newest cosigned checkpoint, its own signature first. */
  cosigned: z.strictObject({ size: z.number().int().min(0), note: z.string() }).optional(),
});

/** What is known of the witnesses of our own log. */
export type AskedState = z.output<typeof fileShape>;

/** Reads it. Without it, or where it is not what was written, a witness says itself what it has cosigned: nothing is lost but one request. */
export async function readAsked(folder: string): Promise<AskedState | undefined> {
  try {
    return fileShape.parse(JSON.parse(await readFile(join(folder, fileName), 'utf8')));
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (isAbsent || error instanceof SyntaxError || error instanceof z.ZodError) return undefined;
    throw error;
  }
}

export function writeAsked(folder: string, state: AskedState): Promise<void> {
  return writeFileAtomic(join(folder, fileName), `${JSON.stringify(state)}\n`);
}

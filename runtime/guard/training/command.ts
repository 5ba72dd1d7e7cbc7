import { parseArgs } from 'node:util';

/** The folder that `--data` names. Throws when it is missing. */
export function dataFolder(): string {
  const { values } = parseArgs({ options: { data: { type: 'string' } } });
  if (values.data === undefined)
    throw new Error('say where the data is: --data DIR, with injections.jsonl and benign.jsonl');
  return values.data;
}

/** A line for the person who started the command. */
export function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}

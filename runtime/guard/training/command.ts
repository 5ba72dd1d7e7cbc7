import { parseArgs } from 'node:util';

/** The folder that `--data` names, and the ledger and the folder of other detectors that `--ledger` and `--rivals` do. Throws when the folder is missing. */
export function trainingFlags(): {
  data: string;
  ledger: string | undefined;
  rivals: string | undefined;
} {
  const { values } = parseArgs({
    options: { data: { type: 'string' }, ledger: { type: 'string' }, rivals: { type: 'string' } },
  });
  if (values.data === undefined)
    throw new Error('say where the data is: --data DIR, with injections.jsonl and benign.jsonl');
  return { data: values.data, ledger: values.ledger, rivals: values.rivals };
}

/** A line for the person who started the command. */
export function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}

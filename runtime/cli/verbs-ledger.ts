// The verbs that read the ledger, keep it and erase from it. The file of each is loaded only when it is run (see program.ts).
import { type Command, Option } from 'commander';
import type { CliIo } from './io.js';
import { configOption, dataOption, hours, instant, type Run, wholeFrom, wordsText } from './options.js';

export function addReplay(program: Command, io: CliIo, run: Run): void {
  program
    .command('replay')
    .description(
      'score recorded decisions again and compare them bit for bit, with or without a running server',
    )
    .option('--since <index>', 'only decisions at this index of the ledger or later', wholeFrom(0), 0)
    .option('--limit <count>', 'at most so many decisions', wholeFrom(1))
    .option('--file <events.jsonl>', 'events of a file, one JSON object a line, instead of the ledger')
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (flags) => run((await import('./replay.js')).replay(flags, io)));
}

export function addVerify(program: Command, io: CliIo, run: Run): void {
  program
    .command('verify')
    .description(
      'check the whole log, an export, a receipt, or checkpoints; reads only, beside a running server too',
    )
    .option('--receipt <file>', 'an answer with a receipt, or a proof of inclusion, as JSON')
    .option(
      '--checkpoints <files...>',
      'a signed checkpoint: whether the log here has it; or two: whether one log has both',
    )
    .option('--witness <keys...>', 'public keys of witnesses that must all have cosigned the checkpoints')
    .option('--export <folder>', 'an export with its proof, as JSON Lines, instead of the data folder')
    .option('--ledger <file>', 'another ledger file: of an earlier epoch, set aside, or a backup')
    .option('--verifier <key>', 'public key of the log (default: the one that the log names itself)')
    .addOption(dataOption())
    .addOption(configOption())
    .addHelpText('after', '\nExit codes: 0 everything holds, 1 something does not, 2 wrong arguments.')
    .action(async (flags) => run((await import('./verify.js')).verify(flags, io)));
}

export function addErase(program: Command, io: CliIo, run: Run): void {
  program
    .command('erase')
    .description(
      'erase what people typed, for good, with or without a running server; every proof still holds',
    )
    .option('--session <id>', 'of a conversation')
    .option('--key <id>', 'of whoever used this key')
    .option('--before <time>', 'of events before a time, such as 2026-01-31 or 2026-01-31T12:00:00Z')
    .option('--id <indexes...>', 'of the events at these indexes')
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (flags) => run((await import('./erase.js')).erase(flags, io)));
}

export function addBackup(program: Command, io: CliIo, run: Run): void {
  const passphrase = () =>
    new Option(
      '--passphrase-file <file>',
      'its first line is the passphrase (default: BACKUP_PASSPHRASE, else asked for)',
    );
  program
    .command('backup <file>')
    .description(
      'copy the ledger into one file, beside a running server too; an earlier backup of that name is replaced',
    )
    .option('--keys', 'and the keys, encrypted under a passphrase')
    .addOption(passphrase())
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (file, flags) => run((await import('./backup.js')).backupTo(file, flags, io)));
  program
    .command('restore <file>')
    .description('bring a backup back; stop the server first')
    .option('--keys', 'and the keys that are in it')
    .addOption(passphrase())
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (file, flags) => run((await import('./backup.js')).restoreFrom(file, flags, io)));
}

export function addExport(program: Command, io: CliIo, run: Run): void {
  program
    .command('export')
    .description(
      'write events as they were recorded, with what proves them; reads only, beside a running server too',
    )
    .addOption(
      new Option('--format <name>', 'JSON Lines, or a table').choices(['jsonl', 'csv']).default('jsonl'),
    )
    .option('--out <folder>', 'new folder for the events and their proof; - prints the events only', '-')
    .option('--type <name>', 'only events of this type')
    .option('--module <name>', 'only events of this module')
    .option('--stream <name>', 'only events of this stream')
    .option('--correlation-id <id>', 'only events of this request')
    .option('--text <words>', 'only events that hold all these words', wordsText)
    .option('--since <index>', 'only events at this index or later', wholeFrom(0), 0)
    .option('--until <index>', 'only events at this index or earlier', wholeFrom(0))
    .option('--from <time>', 'only events of this time or later, such as 2026-03-01T12:00:00Z', instant)
    .option('--to <time>', 'only events before this time', instant)
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (flags) => run((await import('./export.js')).exportEvents(flags, io)));
}

export function addAnalyze(program: Command, io: CliIo, run: Run): void {
  program
    .command('analyze')
    .description(
      'what the ledger holds: counts, patterns of decisions, and what is unusual; with or without a running server',
    )
    .option('--hours <count>', 'length of the window, 1 to 720, up to the newest event', hours, 24)
    .option('--json', 'print the figures as JSON')
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (flags) => run((await import('./analyze.js')).analyze(flags, io)));
}

export function addTimeline(program: Command, io: CliIo, run: Run): void {
  program
    .command('timeline')
    .description('draw the last hours: level, decisions, temperature, load; with or without a running server')
    .option('--hours <count>', 'length of the window, 1 to 720, up to the newest event', hours, 24)
    .option('--json', 'print the columns as JSON, five minutes each')
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (flags) => run((await import('./timeline.js')).timeline(flags, io)));
}

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { packageVersion } from '../config/version.js';
import { severities } from '../contracts/decision.js';
import { scopes } from '../contracts/http.js';
import { reportFailure } from './failure.js';
import { type CliIo, exitCodes, processIo } from './io.js';
import type { ConfigFlags } from './settings.js';

/**
 * Runs one command line and returns the exit code. Each verb's file is loaded only when that verb is run, so that a broken part of
 * the installation stops no other verb.
 */
export async function runCli(argv: readonly string[], io: CliIo = processIo): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const run = async (verb: Promise<number>): Promise<void> => {
    exitCode = await verb;
  };
  try {
    await buildProgram(io, run).parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(error, io);
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
}

type Run = (verb: Promise<number>) => Promise<void>;

function buildProgram(io: CliIo, run: Run): Command {
  const program = new Command('arkalia')
    .description('Arkalia-LUNA: a local AI appliance that screens, protects and records.')
    .version(packageVersion(), '-v, --version', 'print the version')
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .showHelpAfterError('Help: arkalia --help, or --help after a verb')
    .addHelpText(
      'after',
      '\nA first conversation:\n  arkalia serve\n  arkalia chat "How are you?"      (in another terminal)\n\nExit codes: 0 done, 1 failed, 2 wrong arguments or configuration, 130 stopped.',
    );
  addServe(program, io, run);
  addDoctor(program, io, run);
  addChat(program, io, run);
  addDecide(program, io, run);
  addConfig(program, io, run);
  addKeys(program, io, run);
  addUsers(program, io, run);
  addBreakers(program, io, run);
  addModels(program, io, run);
  addZeroia(program, io, run);
  addIncidents(program, io, run);
  addReplay(program, io, run);
  addVerify(program, io, run);
  addErase(program, io, run);
  addBackup(program, io, run);
  addExport(program, io, run);
  addAnalyze(program, io, run);
  addTimeline(program, io, run);
  program
    .command('version')
    .description('print the version')
    .action(() => io.out(`${packageVersion()}\n`));
  return program;
}

const configOption = () =>
  new Option('--config <file>', 'configuration file (default: arkalia.toml here, if there is one)');
const dataOption = () => new Option('--data <folder>', 'data folder (key data_dir)');
const urlOption = () =>
  new Option('--url <address>', 'server to ask (default: the one of the configuration)');
const keyOption = () =>
  new Option('--key <key>', 'key to show (default: the one in api_key_file, to our own server)');

function addServe(program: Command, io: CliIo, run: Run): void {
  program
    .command('serve')
    .description('run the server until Ctrl-C; the log goes to standard error as JSON lines')
    .option('--port <number>', 'TCP port (key http.port)')
    .option('--host <address>', 'address to listen on (key http.host)')
    .addOption(dataOption())
    .addOption(configOption())
    .option('--supervise', 'under a small parent that restarts it (default, but for systemd and containers)')
    .option('--no-supervise', 'in this process')
    .action(({ supervise, ...flags }) => run(runServe(flags, supervise, io)));
}

async function runServe(flags: ConfigFlags, supervise: boolean | undefined, io: CliIo): Promise<number> {
  const { serveSupervised } = await import('./serve-keeper.js');
  const code = await serveSupervised(flags, supervise, io);
  return code ?? (await import('./serve.js')).serve(flags, io);
}

function addDoctor(program: Command, io: CliIo, run: Run): void {
  program
    .command('doctor')
    .description('check this machine and installation, and say what to do')
    .option('--json', 'print the findings as JSON')
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (flags) => run((await import('./doctor/doctor.js')).doctor(flags, io)));
}

function addChat(program: Command, io: CliIo, run: Run): void {
  program
    .command('chat <message>')
    .description('ask the running server')
    .option('--session <id>', 'go on with an earlier conversation')
    .option('--model <id>', 'answered by this model or refused')
    .option('--no-stream', 'print the answer when it is complete')
    .addOption(urlOption())
    .addOption(keyOption())
    .addOption(configOption())
    .action(async (message, flags) => run((await import('./chat.js')).chat(message, flags, io)));
}

function addDecide(program: Command, io: CliIo, run: Run): void {
  program
    .command('decide')
    .description('ask the running server what to do about a load')
    .requiredOption('--cpu <percent>', 'processor use', numberFrom(0, 100))
    .requiredOption('--ram <percent>', 'memory use', numberFrom(0, 100))
    .addOption(new Option('--severity <name>', 'how bad it is').choices(severities).default('normal'))
    .option('--temperature <celsius>', 'temperature', numberFrom(-60, 150))
    .option('--disk <percent>', 'disk use', numberFrom(0, 100))
    .option('--error-rate <ratio>', 'share of failed operations', numberFrom(0, 1))
    .option('--latency <ms>', 'response time', numberFrom(0, 86_400_000))
    .option('--context <text>', 'what it is about')
    .option('--stream <name>', 'series whose history counts (default: that of the key)')
    .addOption(urlOption())
    .addOption(keyOption())
    .addOption(configOption())
    .action(async (flags) => run((await import('./decide.js')).decide(flags, io)));
}

function addConfig(program: Command, io: CliIo, run: Run): void {
  program
    .command('config')
    .description('print the effective configuration and where each value comes from')
    .option('--keys', 'print every key with its bounds, default and meaning')
    .option('--markdown', 'print docs/configuration.md')
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (flags) => run((await import('./show-config.js')).showConfig(flags, io)));
}

function addKeys(program: Command, io: CliIo, run: Run): void {
  const keys = program
    .command('keys')
    .description('make, list and revoke keys, with or without a running server; show the key of the log');
  keys
    .command('create [name]')
    .description('make a key for something or somebody; it is shown once')
    .option('--name <name>', 'the same as the argument')
    .option('--role <role>', 'user, operator or admin', 'user')
    .option('--scope <scopes...>', `what it may do of what its role may: ${scopes.join(', ')}`)
    .option('--rate <requests>', 'requests that it may make in a minute')
    .option('--tokens-per-day <tokens>', 'tokens of prompts and answers in a day of UTC')
    .option('--models <models...>', 'models that may answer it, as a request names them')
    .option('--expires <when>', 'such as 30d, 12h or 2027-01-31')
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (name, flags) => run((await import('./keys.js')).createKey(name, flags, io)));
  keys
    .command('list')
    .description('list the keys, without their secrets')
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (flags) => run((await import('./keys.js')).listKeys(flags, io)));
  keys
    .command('usage')
    .description('what each key did, by day')
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (flags) => run((await import('./keys.js')).showUsage(flags, io)));
  keys
    .command('revoke <id>')
    .description('end a key at once')
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (id, flags) => run((await import('./keys.js')).revokeKey(id, flags, io)));
  keys
    .command('show-verifier')
    .description("print the public key that this device's log is verified with")
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (flags) => run((await import('./keys.js')).showVerifier(flags, io)));
  keys
    .command('show-witness')
    .description('print the public key that this device cosigns the logs of others with')
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (flags) => run((await import('./keys.js')).showWitness(flags, io)));
  keys
    .command('rotate-log')
    .description('end this epoch of the log and begin the next with a new key; stop the server first')
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (flags) => run((await import('./rotate-log.js')).rotateLog(flags, io)));
  program
    .command('setup-code')
    .description('have the running server make another setup code')
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (flags) => run((await import('./setup-code.js')).setupCode(flags, io)));
}

function addUsers(program: Command, io: CliIo, run: Run): void {
  const users = program
    .command('users')
    .description('people who sign in on the web page with a password, with or without a running server');
  const passwordFile = () =>
    new Option('--password-file <file>', 'its first line (default: USER_PASSWORD, else asked)');
  users
    .command('add <name>')
    .description('let somebody sign in')
    .option('--role <role>', 'user, operator or admin', 'user')
    .addOption(passwordFile())
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (name, flags) => run((await import('./users.js')).addUser(name, flags, io)));
  users
    .command('password <name>')
    .description('give somebody another password, and end their logins')
    .addOption(passwordFile())
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (name, flags) => run((await import('./users.js')).changePassword(name, flags, io)));
  users
    .command('list')
    .description('list them')
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (flags) => run((await import('./users.js')).listUsers(flags, io)));
  users
    .command('remove <name>')
    .description('remove somebody, and end their logins')
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (name, flags) => run((await import('./users.js')).removeUser(name, flags, io)));
}

function addBreakers(program: Command, io: CliIo, run: Run): void {
  const breakers = program
    .command('breakers')
    .description("see and set the engines' circuit breakers of the running server");
  breakers
    .command('list')
    .description('list the breakers and what they have counted')
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (flags) => run((await import('./breakers.js')).listBreakers(flags, io)));
  const orders = [
    ['force-open', 'forced_open', 'refuse every call to the engine, until reset'],
    ['disable', 'disabled', 'let every call through and count only, until reset'],
    ['metrics-only', 'metrics_only', 'let every call through and keep the window running, until reset'],
    ['reset', 'reset', 'closed, with an empty window and the first open time'],
  ] as const;
  for (const [verb, order, description] of orders) {
    breakers
      .command(`${verb} <name>`)
      .description(description)
      .addOption(dataOption())
      .addOption(configOption())
      .action(async (name, flags) =>
        run((await import('./breakers.js')).orderBreaker({ name, order }, flags, io)),
      );
  }
}

function addModels(program: Command, io: CliIo, run: Run): void {
  const models = program
    .command('models')
    .description('the model files of the embedded engine, with or without a running server');
  const verb = (name: string, description: string) =>
    models.command(name).description(description).addOption(dataOption()).addOption(configOption());
  const sha256Option = () => new Option('--sha256 <hash>', 'what the file must hash to, in hex');
  const nameOption = () =>
    new Option('--name <name>', 'what it is called here (default: the name of the file in small letters)');
  const load = () => import('./models.js');
  verb('list', 'list the models with what they need').action(async (flags) =>
    run((await load()).listModels(flags, io)),
  );
  verb('add <file>', 'copy a GGUF file into the folder, and pin its hash')
    .addOption(nameOption())
    .addOption(sha256Option())
    .action(async (file, flags) => run((await load()).addModel(file, flags, io)));
  verb('pull <url>', 'fetch a GGUF file, on from where an earlier attempt ended')
    .addOption(nameOption())
    .addOption(sha256Option())
    .action(async (url, flags) => run((await load()).pullModel(url, flags, io)));
  verb('verify <name>', 'hash a model again; one that was put there by hand is pinned').action(
    async (name, flags) => run((await load()).verifyModel(name, flags, io)),
  );
  verb('default <name>', 'make it the model that is loaded').action(async (name, flags) =>
    run((await load()).chooseModel(name, flags, io)),
  );
  verb('remove <name>', 'delete a model, or what is left of an upload or a download').action(
    async (name, flags) => run((await load()).removeModel(name, flags, io)),
  );
}

function addZeroia(program: Command, io: CliIo, run: Run): void {
  const zeroia = program
    .command('zeroia')
    .description('watch how the running server reasons about its device');
  const modes = [
    ['quick', '5 turns of the loop'],
    ['stress', '50 loads put before it as advice: nothing changes on the device'],
    ['monitor', '3 times 3 turns'],
    ['daemon', 'until Ctrl-C'],
  ] as const;
  for (const [mode, description] of modes) {
    zeroia
      .command(mode)
      .description(description)
      .addOption(dataOption())
      .addOption(configOption())
      .action(async (flags) => run((await import('./zeroia.js')).zeroia(mode, flags, io)));
  }
}

function addIncidents(program: Command, io: CliIo, run: Run): void {
  const incidents = program
    .command('incidents')
    .description('what the running server could not mend itself, and needs a person');
  incidents
    .command('list', { isDefault: true })
    .description('list the open incidents with what was tried')
    .option('--all', 'closed ones too')
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (flags) => run((await import('./incidents.js')).listIncidents(flags, io)));
  incidents
    .command('acknowledge <id>')
    .description('take one on, so that others know that you look after it')
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (id, flags) => run((await import('./incidents.js')).acknowledgeIncident(id, flags, io)));
  incidents
    .command('close <id>')
    .description('close one that you have looked at')
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (id, flags) => run((await import('./incidents.js')).closeIncident(id, flags, io)));
}

function addReplay(program: Command, io: CliIo, run: Run): void {
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

function wholeFrom(min: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min}.`);
  };
}

function addBackup(program: Command, io: CliIo, run: Run): void {
  const passphrase = () =>
    new Option(
      '--passphrase-file <file>',
      'its first line is the passphrase (default: BACKUP_PASSPHRASE, else asked for)',
    );
  program
    .command('backup <file>')
    .description('copy the ledger into one file, beside a running server too')
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

function addErase(program: Command, io: CliIo, run: Run): void {
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

function addVerify(program: Command, io: CliIo, run: Run): void {
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

function addExport(program: Command, io: CliIo, run: Run): void {
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

function addAnalyze(program: Command, io: CliIo, run: Run): void {
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

function addTimeline(program: Command, io: CliIo, run: Run): void {
  program
    .command('timeline')
    .description('draw the last hours: level, decisions, temperature, load; with or without a running server')
    .option('--hours <count>', 'length of the window, 1 to 720, up to the newest event', hours, 24)
    .option('--json', 'print the columns as JSON, five minutes each')
    .addOption(dataOption())
    .addOption(configOption())
    .action(async (flags) => run((await import('./timeline.js')).timeline(flags, io)));
}

function hours(text: string): number {
  const value = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 1 && value <= 720) return value;
  throw new InvalidArgumentError('It must be a whole number from 1 to 720.');
}

function wordsText(text: string): string {
  if (/[\p{L}\p{N}]/u.test(text) && text.length <= 200) return text;
  throw new InvalidArgumentError('It must hold a word, and at most 200 characters.');
}

function instant(text: string): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Date.parse(text);
  if (!Number.isNaN(value)) return value;
  throw new InvalidArgumentError(
    'It must be a time such as 2026-03-01T12:00:00Z, or milliseconds since 1970.',
  );
}

function numberFrom(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`);
  };
}

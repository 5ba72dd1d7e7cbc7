import { Command, CommanderError, Option } from 'commander';
import { packageVersion } from '../config/version.js';
import { severities } from '../contracts/decision.js';
import { reportFailure } from './failure.js';
import { type CliIo, exitCodes, processIo } from './io.js';
import { configOption, dataOption, keyOption, numberFrom, type Run, urlOption } from './options.js';
import type { ConfigFlags } from './settings.js';
import { addKeys, addUsers } from './verbs-access.js';
import { addBreakers, addIncidents, addModels, addZeroia } from './verbs-device.js';
import {
  addAnalyze,
  addBackup,
  addErase,
  addExport,
  addReplay,
  addTimeline,
  addVerify,
} from './verbs-ledger.js';

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

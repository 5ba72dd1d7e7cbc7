import { Command, InvalidArgumentError, Option } from 'commander';
import { packageVersion } from '../config/version.js';
import { severities } from '../contracts/decision.js';
import { roles } from '../contracts/http.js';
import { printable } from '../contracts/text.js';

const serverUrl = process.env.ARKALIA_URL ?? 'http://127.0.0.1:8000';

function number(name: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`${name} must be a number from ${min} to ${max}.`);
  };
}

function configFlags(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file (default: ./arkalia.toml when there is one)')
    .option('--data <folder>', 'data folder, instead of data_dir');
}

function clientFlags(command: Command): Command {
  return command
    .option('--url <address>', 'the running server', serverUrl)
    .option(
      '--key <key>',
      'a key of ours, for a server on another machine (or the variable ARKALIA_KEY)',
      process.env.ARKALIA_KEY,
    );
}

/** The verbs; each one's code is loaded when it is called, so that the command starts quickly. */
function createProgram(exit: (code: number) => void): Command {
  const program = new Command('arkalia')
    .description(
      'A sovereign AI appliance: screens prompts, protects a local language model, records every decision.',
    )
    .version(packageVersion(), '-v, --version', 'print the version')
    .showHelpAfterError('(arkalia --help lists the verbs, arkalia help <verb> its options)');

  configFlags(program.command('serve').description('start the server'))
    .option(
      '--port <port>',
      'TCP port, instead of http.port; 0 takes a free one',
      number('the port', 0, 65_535),
    )
    .option('--host <address>', 'address to listen on, instead of http.host')
    .action(async (options) => exit(await (await import('./serve.js')).serve(options)));

  configFlags(
    program.command('doctor').description('check this machine and say what to do about each shortfall'),
  )
    .option('--json', 'print the findings as JSON')
    .action(async (options) => exit(await (await import('./doctor.js')).doctor(options)));

  clientFlags(
    program.command('chat').description('ask the running server; the answer streams').argument('<message>'),
  )
    .option('--session <id>', 'continue a conversation')
    .option('--model <id>', 'answered by this model or refused')
    .action(async (message: string, options) =>
      exit(await (await import('./chat.js')).chat(message, options)),
    );

  clientFlags(program.command('decide').description('ask the running server to decide on measurements'))
    .requiredOption('--cpu <percent>', 'processor use', number('--cpu', 0, 100))
    .requiredOption('--ram <percent>', 'memory use', number('--ram', 0, 100))
    .addOption(new Option('--severity <severity>', 'severity').choices(severities).makeOptionMandatory())
    .option('--temperature <celsius>', 'temperature', number('--temperature', -60, 150))
    .option('--disk <percent>', 'disk use', number('--disk', 0, 100))
    .option('--error-rate <ratio>', 'share of failed operations', number('--error-rate', 0, 1))
    .option('--latency <ms>', 'response time', number('--latency', 0, 86_400_000))
    .option('--context <text>', 'what it is about')
    .option('--stream <name>', 'series whose history counts')
    .action(async (options) => exit(await (await import('./decide.js')).decide(options)));

  configFlags(program.command('config').description('print the configuration in force, secrets masked'))
    .option('--keys', 'list every key with its default and meaning')
    .option('--markdown', 'the same as the page docs/configuration.md')
    .action(async (options) => exit((await import('./config.js')).config(options)));

  const keys = program
    .command('keys')
    .description("make, list and revoke keys; needs the data folder's owner");
  configFlags(keys.command('create').description('make a key; it is shown this once'))
    .requiredOption('--name <name>', 'what the key is for')
    .addOption(new Option('--role <role>', 'what it may do').choices(roles.slice(1)).default('user'))
    .action(async (options) => exit(await (await import('./keys.js')).createKey(options)));
  configFlags(keys.command('list').description('list the keys, without their secrets')).action(
    async (options) => exit(await (await import('./keys.js')).listKeys(options)),
  );
  configFlags(keys.command('revoke').description('revoke a key at once').argument('<id>')).action(
    async (id: string, options) => exit(await (await import('./keys.js')).revokeKey(id, options)),
  );

  configFlags(
    program
      .command('setup-code')
      .description('make a new one-time code for the first key of a running server'),
  ).action(async (options) => exit(await (await import('./setup-code.js')).setupCode(options)));
  return program;
}

// The exit code is set instead of leaving at once, so that what was printed is written out.
const program = createProgram((code) => {
  process.exitCode = code;
});
try {
  await program.parseAsync(process.argv);
} catch (error) {
  console.error(
    `arkalia: ${printable(error instanceof Error ? error.message : String(error), { lines: true })}`,
  );
  process.exitCode = 1;
}

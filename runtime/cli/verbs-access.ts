// The verbs of keys, people and the first code. The file of each is loaded only when it is run (see program.ts).
import { type Command, Option } from 'commander';
import { scopes } from '../contracts/http.js';
import type { CliIo } from './io.js';
import { configOption, dataOption, type Run } from './options.js';

export function addKeys(program: Command, io: CliIo, run: Run): void {
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

export function addUsers(program: Command, io: CliIo, run: Run): void {
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

// The verbs that look after a running appliance. The file of each is loaded only when it is run (see program.ts).
import { type Command, Option } from 'commander';
import type { CliIo } from './io.js';
import { configOption, dataOption, type Run } from './options.js';

export function addBreakers(program: Command, io: CliIo, run: Run): void {
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

export function addModels(program: Command, io: CliIo, run: Run): void {
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

export function addZeroia(program: Command, io: CliIo, run: Run): void {
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

export function addIncidents(program: Command, io: CliIo, run: Run): void {
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

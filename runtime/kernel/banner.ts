import type { SystemStatus } from '../contracts/module.js';
import { printable } from '../contracts/text.js';

/** Where the command line asks when nothing else is configured. */
const usual = 'http://127.0.0.1:8000';

export interface BannerFacts {
  status: SystemStatus;
  address: string;
  dataDir: string;
  order: readonly string[];
  warnings: readonly string[];
}

/** What a person reads at the start: what was found, in which order engines are tried, and what to try. */
export function banner({ status, address, dataDir, order, warnings }: BannerFacts): string[] {
  const engines = order.flatMap((name) => {
    const engine = status.engines.find((view) => view.name === name);
    if (engine === undefined) return [];
    const where = engine.where === undefined ? '' : ` at ${engine.where}`;
    const models = engine.models.slice(0, 5).join(', ') + (engine.models.length > 5 ? ', …' : '');
    const what =
      engine.state === 'found' ? `found${where}: ${models}` : `absent: ${engine.problem ?? 'not there'}`;
    return [printable(`  ${engine.name.padEnd(10)}${what}`)];
  });
  const { short } = status.sandbox;
  // "Every address" is none that a client can name.
  const reachable = address.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
  return [
    `Arkalia-LUNA ${status.version} serves on ${address}`,
    '',
    'Engines, in the order in which they are tried when no model is named',
    '(navigator, the built-in assistant, answers /chat and the model "arkalia" only):',
    ...engines,
    `Sandbox: level ${status.sandbox.level}${short === undefined ? '' : printable(` (${short})`)}. Ledger: ${status.ledger.size} events in ${printable(dataDir)}.`,
    `Scoring: ${scoring(status.core)}.`,
    ...warnings.map((warning) => `Warning: ${printable(warning)}`),
    ...(status.setup_mode
      ? [
          '',
          `Setup mode: only /health and the setup exchange answer. The code is in ${printable(dataDir)}/setup-code:`,
          `  curl -X POST ${reachable}/setup -H 'content-type: application/json' -d '{"code":"…"}'`,
        ]
      : [
          '',
          'Try:',
          `  curl ${reachable}/chat -H 'content-type: application/json' -d '{"message":"How are you?"}'`,
          `  npm run arkalia -- chat ${reachable === usual ? '' : `--url ${reachable} `}"How warm are you?"`,
          `  a browser at ${reachable}/ (the API at /docs), clients of OpenAI's API at ${reachable}/v1, of Ollama's at ${reachable}`,
        ]),
  ];
}

/** Where decisions are scored. */
function scoring({ offload, crossover, batch_max: batchMax }: SystemStatus['core']): string {
  if (offload === 'never' || crossover === null) return 'never in the pool, all in the HTTP thread';
  if (offload === 'always') return `always in the pool, in batches of at most ${batchMax}`;
  return crossover <= batchMax
    ? `auto, batches of ${crossover} to ${batchMax} decisions go to the pool`
    : `auto, all in the HTTP thread: the pool pays from ${crossover} decisions a batch on, and a batch has at most ${batchMax}`;
}

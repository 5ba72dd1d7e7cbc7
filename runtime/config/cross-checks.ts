import { levels } from '../contracts/device.js';
import { engineNames } from '../contracts/prompt.js';
import { witnessProblem } from '../ledger/witness/settings.js';
import { builtinModules, isModulePath } from './builtin-modules.js';
import { showValue } from './error.js';
import { nearest } from './nearest.js';
import type { Config } from './schema.js';

/** A rule that one key's schema cannot express, broken. The first path is the one to name. */
export interface CrossProblem {
  paths: [string, ...string[]];
  message: string;
}

/** Checks that several keys together make sense. */
export function crossCheck(config: Config): CrossProblem[] {
  return [
    ...checkTls(config),
    ...checkOrigins(config),
    ...checkBreaker(config),
    ...checkLevels(config),
    ...checkAliases(config),
    ...checkModules(config),
    ...checkRepeats('engines.order', config.engines.order),
    ...checkRepeats('modules.enabled', config.modules.enabled),
    ...checkKeyFile(config),
    ...checkWitness(config),
    ...checkWeights(config),
    ...checkOpinion(config),
    ...checkPower(config),
  ];
}

function checkTls({ http }: Config): CrossProblem[] {
  const missing =
    http.tls_cert_file !== undefined && http.tls_key_file === undefined
      ? 'http.tls_key_file'
      : http.tls_key_file !== undefined && http.tls_cert_file === undefined
        ? 'http.tls_cert_file'
        : undefined;
  if (missing === undefined) return [];
  const given = missing === 'http.tls_key_file' ? 'http.tls_cert_file' : 'http.tls_key_file';
  return [{ paths: [given, missing], message: `needs ${missing} too; both or neither are set.` }];
}

function checkOpinion({ guard }: Config): CrossProblem[] {
  const given = ['opinion_file', 'opinion_sha256', 'opinion_tokenizer'] as const;
  const missing = given.filter((name) => guard[name] === undefined);
  if (missing.length === 0 || missing.length === given.length) return [];
  return [
    {
      paths: ['guard.opinion_file', 'guard.opinion_sha256', 'guard.opinion_tokenizer'],
      message: `needs ${missing.map((name) => `guard.${name}`).join(' and ')} too; all three or none are set.`,
    },
  ];
}

function checkWeights({ guard }: Config): CrossProblem[] {
  if ((guard.weights_file === undefined) === (guard.weights_sha256 === undefined)) return [];
  const [given, missing] =
    guard.weights_file === undefined
      ? ['guard.weights_sha256', 'guard.weights_file']
      : ['guard.weights_file', 'guard.weights_sha256'];
  return [{ paths: [given, missing], message: `needs ${missing} too; both or neither are set.` }];
}

function checkOrigins({ http }: Config): CrossProblem[] {
  return http.cors_origins
    .filter((origin) => !URL.canParse(origin) || new URL(origin).origin !== origin)
    .map((origin) => ({
      paths: ['http.cors_origins'],
      message: `${showValue('', origin)} is not a web origin; write scheme and host without a path, such as https://home.example.`,
    }));
}

/** Shortest part of a window by time that the hot core takes. */
const bucketMsMin = 5;

function checkBreaker({ breaker }: Config): CrossProblem[] {
  const problems: CrossProblem[] = [];
  if (breaker.window === 'calls' && breaker.calls_min > breaker.window_calls) {
    problems.push({
      paths: ['breaker.calls_min', 'breaker.window_calls'],
      message: `${breaker.calls_min} is more than breaker.window_calls (${breaker.window_calls}), so the breaker could never open; it must not be more.`,
    });
  }
  if (breaker.open_ms > breaker.open_ms_max) {
    problems.push({
      paths: ['breaker.open_ms', 'breaker.open_ms_max'],
      message: `${breaker.open_ms} is more than breaker.open_ms_max (${breaker.open_ms_max}); it must not be more.`,
    });
  }
  if (breaker.window === 'time' && breaker.window_ms < bucketMsMin * breaker.window_buckets) {
    problems.push({
      paths: ['breaker.window_ms', 'breaker.window_buckets'],
      message: `${breaker.window_ms} makes parts of less than ${bucketMsMin} ms with breaker.window_buckets (${breaker.window_buckets}); take fewer parts or a longer window.`,
    });
  }
  return problems;
}

function checkPower({ reflexia }: Config): CrossProblem[] {
  const { power_idle_w: idle, power_full_w: full } = reflexia;
  if (idle === undefined || full === undefined || full >= idle) return [];
  return [
    {
      paths: ['reflexia.power_full_w', 'reflexia.power_idle_w'],
      message: `${full} is less than reflexia.power_idle_w (${idle}); it must not be less.`,
    },
  ];
}

/** A worse decision never asks for a milder level. */
function checkLevels({ degradation: { levels: of } }: Config): CrossProblem[] {
  const order = ['normal', 'monitor', 'reduce_load', 'reduce_load_persists', 'emergency_shutdown'] as const;
  return order.slice(1).flatMap((name, index) => {
    const before = order[index]!;
    if (levels.indexOf(of[name]) >= levels.indexOf(of[before])) return [];
    return [
      {
        paths: [`degradation.levels.${name}`, `degradation.levels.${before}`] as [string, string],
        message: `${of[name]} is milder than degradation.levels.${before} (${of[before]}); it must not be.`,
      },
    ];
  });
}

function checkAliases({ aliases }: Config): CrossProblem[] {
  const problems: CrossProblem[] = [];
  for (const [alias, chain] of Object.entries(aliases)) {
    if (alias === 'arkalia') {
      problems.push({
        paths: ['aliases'],
        message: 'the name arkalia is taken: it is the model id of the appliance.',
      });
    }
    for (const link of chain) {
      const [engine = '', ...model] = link.split('/');
      const known = (engineNames as readonly string[]).includes(engine);
      if (known && (model.length === 0 || model.join('/') !== '')) continue;
      const fault = known
        ? 'names no model after the slash'
        : `names no known engine; known: ${engineNames.join(', ')}; nearest: ${nearest(engine, engineNames)}`;
      problems.push({
        paths: ['aliases'],
        message: `${alias} lists ${showValue('', link)}, which ${fault}. Write "engine" or "engine/model".`,
      });
    }
  }
  return problems;
}

function checkModules({ modules }: Config): CrossProblem[] {
  return modules.enabled
    .filter((entry) => !isModulePath(entry) && !(builtinModules as readonly string[]).includes(entry))
    .map((entry) => ({
      paths: ['modules.enabled'],
      message: `${showValue('', entry)} is not a built-in module; known: ${builtinModules.join(', ')}; nearest: ${nearest(entry, builtinModules)}. A path contains a slash or a dot.`,
    }));
}

function checkRepeats(path: string, list: readonly string[]): CrossProblem[] {
  const repeated = [...new Set(list.filter((entry, index) => list.indexOf(entry) !== index))];
  return repeated.map((entry) => ({ paths: [path], message: `${showValue('', entry)} is listed twice.` }));
}

function checkWitness({ ledger: { witness } }: Config): CrossProblem[] {
  return (['logs', 'ask'] as const).flatMap((setting) => {
    const path = `ledger.witness.${setting}` as const;
    const problems = witness[setting].flatMap((text): CrossProblem[] => {
      const problem = witnessProblem(setting, text);
      const message = `${showValue('', text)} cannot be used: ${problem}.`;
      return problem === undefined ? [] : [{ paths: [path], message }];
    });
    return [...problems, ...checkRepeats(path, witness[setting])];
  });
}

function checkKeyFile(config: Config): CrossProblem[] {
  const files: [string, string | undefined][] = [
    ['api_key_file', config.api_key_file],
    ['engines.openai.api_key_file', config.engines.openai.api_key_file],
  ];
  return files
    .filter(([, file]) => file !== undefined && /^(ark_|sk-)/.test(file))
    .map(([path]) => ({
      paths: [path],
      message: 'holds what looks like a key; it must be the path of a file that holds the key.',
    }));
}

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Opinion, Sandbox } from '../../sandbox/index.js';
import type { Config } from '../config/schema.js';
import type { SecondClassifier } from './second-opinion.js';

/** Loading reads hundreds of megabytes on a Pi. */
const LOAD_MS = 120_000;

/**
 * The second opinion that the configuration names, in a process of the sandbox; undefined when it names none. Throws an Error that says
 * what is wrong when a file cannot be read, is not the one that its SHA-256 names or is of no use, or when a package is missing.
 */
export async function openSecondOpinion(
  sandbox: Pick<Sandbox, 'openOpinion'>,
  config: Config['guard'],
): Promise<SecondClassifier | undefined> {
  const { opinion_file: modelFile, opinion_tokenizer: tokenizerFile, opinion_sha256: sha256 } = config;
  if (modelFile === undefined || tokenizerFile === undefined || sha256 === undefined) return undefined;
  let opinion: Opinion;
  try {
    const digest = await digestOf(modelFile);
    if (digest !== sha256) throw new Error(`its SHA-256 is ${digest}, not ${sha256}`);
    opinion = await sandbox.openOpinion({
      modelFile,
      tokenizerFile,
      threads: config.opinion_threads,
      tokensMax: config.opinion_tokens_max,
      attackIndex: config.opinion_attack_index,
      memoryBytes: config.opinion_memory_bytes,
      loadMs: LOAD_MS,
      timeoutMs: config.opinion_timeout_ms,
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`the guard's second opinion, ${modelFile}, cannot be used: ${why}`, { cause: error });
  }
  return {
    model: sha256,
    threshold: config.opinion_threshold,
    band: config.opinion_band,
    judge: (text) => opinion.judge(text),
  };
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

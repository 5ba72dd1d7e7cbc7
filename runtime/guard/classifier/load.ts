import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { decodeModel, type GuardModel, MODEL_BYTES_MAX } from './model-file.js';
import { PINNED_SHA256 } from './pinned.js';

const shipped = fileURLToPath(new URL('../../../../runtime/guard/classifier/guard.weights', import.meta.url));

/**
 * The weights of the classifier: those that ship, or the file that the configuration names. Throws an Error that says what is
 * wrong when the file cannot be read, is not the one that its SHA-256 names, or is none of weights.
 */
export function loadGuardModel(config: {
  weights_file?: string | undefined;
  weights_sha256?: string | undefined;
}): GuardModel {
  if (config.weights_file === undefined) return read(shipped, PINNED_SHA256);
  if (config.weights_sha256 === undefined) throw new Error('guard.weights_file needs guard.weights_sha256');
  return read(config.weights_file, config.weights_sha256);
}

function read(file: string, sha256: string): GuardModel {
  const refuse = (why: string, cause?: unknown): never => {
    throw new Error(`the guard's weights, ${file}, cannot be used: ${why}`, { cause });
  };
  try {
    const { size } = statSync(file);
    if (size > MODEL_BYTES_MAX) return refuse(`it has ${size} bytes, more than ${MODEL_BYTES_MAX}`);
    const model = decodeModel(readFileSync(file), sha256);
    return model;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error), error);
  }
}

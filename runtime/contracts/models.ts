import type { ModelFacts } from './sandbox.js';

/** What a model may be called; its file is `NAME.gguf`. */
export const modelNamePattern = /^[a-z0-9][a-z0-9._-]{0,63}$/;
/** The pattern as people read it. */
export const modelNameRule = 'matches [a-z0-9][a-z0-9._-]* and has at most 64 characters';

/** The name that fits and is nearest to a text; undefined when nothing is left of it. */
export function nearestModelName(text: string): string | undefined {
  const name = text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 64)
    .replace(/-+$/, '');
  return modelNamePattern.test(name) ? name : undefined;
}

/** Most bytes of one piece of an upload. */
export const modelPieceBytesMax = 8_388_608;

/** A model file in the folder. */
export interface ModelEntry {
  name: string;
  bytes: number;
  /** Null for a file that was put there by hand and never added or verified: then nothing is known of what it is. */
  sha256: string | null;
  added_ms: number | null;
  facts: ModelFacts | null;
  /** What it needs once loaded, as reckoned; null as above. */
  memory_bytes: number | null;
  is_default: boolean;
}

/** Something that is being done, or was done last, with a model of this name. */
export interface ModelWork {
  name: string;
  act: 'add' | 'pull' | 'verify';
  /** `receiving` until all bytes are here, then `reading` while it is hashed in the sandbox. */
  state: 'receiving' | 'reading' | 'done' | 'failed';
  bytes: number;
  /** Null where the server of a download does not say. */
  of: number | null;
  /** Why it failed. */
  problem?: string;
}

export interface ModelList {
  folder: string;
  /** The model that is used; null: the only one there. */
  default: string | null;
  /** engines.embedded.model_file, which is used whatever the default is; null when it is not set. */
  fixed: string | null;
  /** What a model may need here. */
  memory_limit_bytes: number;
  models: ModelEntry[];
  work: ModelWork[];
}

export interface ModelPiece {
  name: string;
  /** Where in the file it stands, and how long the file is. */
  at: number;
  of: number;
  bytes: Uint8Array;
  /** What the whole must hash to, if that is known. */
  sha256?: string | undefined;
}

/**
 * The model files of this appliance. Every method throws AppError: `invalid_request` for a name or a figure that cannot be, `conflict` with
 * the figures for what does not fit or contradicts what there is, `model_not_found` for a model that there is not.
 */
export interface Models {
  list(): Promise<ModelList>;
  /**
   * Takes a piece of an upload; each begins where the one before ended, and a piece at 0 begins anew. With the last one the file is read in
   * the sandbox: what came of that is in `work`.
   * @throws AppError `conflict` with `details.at` for a piece that begins elsewhere.
   */
  receive(piece: ModelPiece, by: string): Promise<ModelWork>;
  /** Begins to fetch a model, or goes on where an earlier attempt ended. */
  pull(what: { url: string; name: string; sha256?: string | undefined }, by: string): Promise<ModelWork>;
  /** Begins to hash the file; a file that was put there by hand is pinned to what it is now. */
  verify(name: string, by: string): Promise<ModelWork>;
  /** Takes the file away, whole or in parts, and ends what is being done with it. */
  remove(name: string, by: string): Promise<void>;
  /** Makes it the model that is loaded. */
  choose(name: string, by: string): Promise<void>;
}

/** The same in the process that holds the files. */
export interface OwnModels extends Models {
  /** What is being done now, or was done last with a name. */
  works(): ModelWork[];
}

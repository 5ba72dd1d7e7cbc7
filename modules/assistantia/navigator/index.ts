import type { ModuleContext } from '../../../runtime/contracts/module.js';
import type { NavigatorBrief } from '../../../runtime/contracts/sandbox.js';
import { indexDocuments } from './documents.js';
import { createRetrieval } from './retrieve.js';
import { type DocumentFile, readShippedDocs } from './shipped-docs.js';
import { normalise } from './words.js';

const WORDS_CHARS_MAX = 2000;

export interface Navigator {
  /** Live figures and passages of documentation for a question; what cannot be read is told as such, never guessed. */
  brief(question: string): Promise<NavigatorBrief>;
  /** Passages of the documentation for some words, at most two. */
  search(words: string): NavigatorBrief['passages'];
  /** The documentation itself. */
  readonly files: readonly DocumentFile[];
  /** Frees the index of the documentation. Idempotent. */
  close(): void;
}

/** The assistant that needs no model: its retrieval. The documentation that ships with the program is read and indexed here, once. */
export function createNavigator(context: ModuleContext): Navigator {
  const files = readShippedDocs();
  const docs = indexDocuments(files);
  return {
    brief: createRetrieval({ context, docs }),
    search: (words) => docs.search(normalise(words.slice(0, WORDS_CHARS_MAX))),
    files,
    close: docs.close,
  };
}

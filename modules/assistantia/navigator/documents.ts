import { Database } from '../../../runtime/contracts/sqlite.js';
import { type Passage, splitMarkdown } from './markdown.js';
import type { DocumentFile } from './shipped-docs.js';
import { translations } from './translations.js';
import { commonWords, normalise } from './words.js';

const PASSAGES_MAX = 5000;
const TERMS_MAX = 12;
const CANDIDATES_MAX = 30;
const RESULTS_MAX = 2;
/** Terms at least this long also match words that start with them. */
const PREFIX_CHARS_MIN = 4;

export interface Documents {
  readonly size: number;
  /** The passages that speak of most of what a normalised question names, at most two, best first. */
  search(question: string): Passage[];
  close(): void;
}

/** What a question names: each term with its translation. Words that every text has are left out. */
function termsOf(question: string): string[][] {
  const words = question.split(/[ ._]+/);
  const telling = words.filter(
    (word) => word.length > 1 && !commonWords.en.has(word) && !commonWords.fr.has(word),
  );
  return [...new Set(telling)].slice(0, TERMS_MAX).map((word) => [word, ...(translations[word] ?? [])]);
}

const isPrefix = (term: string): boolean => term.length >= PREFIX_CHARS_MIN;

/** Terms hold letters and digits only, and stand in quotes: no syntax of FTS5 can come in. */
const matchOf = (terms: string[][]): string =>
  terms
    .flat()
    .map((term) => `"${term}"${isPrefix(term) ? '*' : ''}`)
    .join(' OR ');

function matched(terms: string[][], passage: Passage): number {
  const words = normalise(`${passage.title} ${passage.text}`).split(/[ ._]+/);
  const names = (term: string) =>
    words.some((word) => (isPrefix(term) ? word.startsWith(term) : word === term));
  return terms.filter((alternatives) => alternatives.some(names)).length;
}

/** One or two terms must all be there; of more, three in five. */
const needed = (terms: number): number => (terms <= 2 ? terms : Math.ceil(terms * 0.6));

/** A full-text index in memory (SQLite FTS5, ranked by bm25 with headings weighing four times the text). */
export function indexDocuments(files: readonly DocumentFile[]): Documents {
  const database = new Database(':memory:');
  database.exec(
    "CREATE VIRTUAL TABLE passage USING fts5(title, text, source UNINDEXED, tokenize = 'unicode61 remove_diacritics 2')",
  );
  const insert = database.prepare('INSERT INTO passage (title, text, source) VALUES (?, ?, ?)');
  const passages = files
    .flatMap(({ name, markdown }) => splitMarkdown(name, markdown))
    .slice(0, PASSAGES_MAX);
  database.transaction(() => {
    for (const { title, text, source } of passages) insert.run(title, text, source);
  })();
  const select = database.prepare<[string, number], Passage>(
    'SELECT source, title, text FROM passage WHERE passage MATCH ? ORDER BY bm25(passage, 4.0, 1.0) LIMIT ?',
  );
  return {
    size: passages.length,
    search(question) {
      const terms = termsOf(question);
      if (terms.length === 0) return [];
      return select
        .all(matchOf(terms), CANDIDATES_MAX)
        .map((passage) => ({ passage, count: matched(terms, passage) }))
        .filter(({ count }) => count >= needed(terms.length))
        .sort((one, other) => other.count - one.count)
        .slice(0, RESULTS_MAX)
        .map(({ passage }) => passage);
    },
    close: () => {
      database.close();
    },
  };
}

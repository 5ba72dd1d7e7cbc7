import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { indexDocuments } from './documents.js';
import { normalise } from './words.js';

const docs = indexDocuments([
  {
    name: 'README.md',
    markdown: `# Arkalia
## Models
Put a GGUF file into the models folder to add a language model; one is loaded at a time.
## Backup
Stop the server and copy the data folder. The ledger is in it.
## Breaker
A breaker opens when half of the recent calls of its engine failed.
## Receipts
Every answer carries a receipt with the leaf hash of its event.
`,
  },
]);
afterAll(() => docs.close());

const found = (question: string) => docs.search(normalise(question)).map(({ source }) => source);

test.each([
  ['How do I add a model?', 'README.md#models'],
  ['Comment ajouter un modèle ?', 'README.md#models'],
  ['when does a breaker open', 'README.md#breaker'],
  ['à quoi sert le disjoncteur', 'README.md#breaker'],
  ['what is a receipt', 'README.md#receipts'],
  ['qu’est-ce qu’un reçu', 'README.md#receipts'],
  ['sauvegarde des données', 'README.md#backup'],
])('%j finds %s', (question, source) => {
  expect(found(question)[0]).toBe(source);
});

test.each([
  'Who won the football cup in 1998?',
  'the and of to',
  'the model of a Boeing aircraft wing',
  '',
  'a',
])('%j finds nothing, though some of its words occur', (question) => {
  expect(found(question)).toEqual([]);
});

test.each([
  '"',
  'model" OR title:"',
  'NEAR(model, 2)',
  'model* AND NOT file',
  "'; DROP TABLE passage; --",
  '{title text}: model',
  '^model + "file',
  'model\0file',
])('%j is words, not syntax', (question) => {
  expect(() => docs.search(normalise(question))).not.toThrow();
  expect(found('add a model')).toEqual(['README.md#models']);
});

test('any question is answered with at most two passages', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (question) => {
      expect(found(question).length).toBeLessThanOrEqual(2);
    }),
  );
});

test('no documentation at all is an index without passages', () => {
  const none = indexDocuments([]);
  expect(none.size).toBe(0);
  expect(none.search('model')).toEqual([]);
  none.close();
  none.close();
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { recognise } from './recognise.js';
import { normalise } from './words.js';

const ids = (question: string) => recognise(normalise(question)).topics.map(({ id }) => id);

test.each([
  ['How are you?', ['health']],
  ['Comment vas-tu ?', ['health']],
  ["Quel est l'état de l'appareil ?", ['health']],
  ['status', ['health']],
  ['What were the last decisions, and why?', ['decisions']],
  ['Pourquoi as-tu décidé cela ?', ['decisions']],
  ['Why did you do that?', ['decisions']],
  ['How hot is it?', ['temperature']],
  ['Est-ce que ça chauffe ?', ['temperature']],
  ['how much memory is used', ['memory']],
  ['Combien de mémoire utilises-tu ?', ['memory']],
  ['CPU and disk usage', ['cpu', 'disk']],
  ['la charge du processeur', ['cpu']],
  ['Reste-t-il de l’espace libre sur le disque ?', ['disk']],
  ['Show me the last events', ['events']],
  ['les derniers événements du journal', ['events']],
  ['What is reflexia.interval_ms?', ['config']],
  ['what is interval_ms set to', ['config']],
  ['sur quel port écoutes-tu', ['config']],
  ['Which models are loaded?', ['engines']],
  ['quels moteurs as-tu', ['engines']],
  ['is a breaker open', ['breakers']],
  ['état des disjoncteurs', ['health', 'breakers']],
  ['what does the sandbox hold', ['sandbox']],
  ['le bac à sable', ['sandbox']],
  ['rules of the guard', ['guard']],
  ['What version are you?', ['version']],
  ['Depuis quand tournes-tu ?', ['version']],
  ['help', ['help']],
  ['Que peux-tu faire ?', ['help']],
  ['Hello!', ['greeting']],
  ['Merci', ['greeting']],
  ['Who are you?', ['identity']],
  ['Qui es-tu ?', ['identity']],
  ['What is Arkalia-LUNA?', ['identity']],
  ['Who won the football cup in 1998?', []],
  ['Why is the sky blue?', []],
  ['Écris un poème sur la lune', []],
  ['constructor __proto__ toString', []],
  ['', []],
])('%j is about %j', (question, expected) => {
  expect(ids(question)).toEqual(expected);
});

test('small talk gives way to a question', () => {
  expect(ids('Hello, what is the temperature? Thanks!')).toEqual(['temperature']);
  expect(ids('help me with the disk')).toEqual(['disk']);
});

test('a word is recognised whole, not inside another', () => {
  expect(ids('a program in a reporthing with shotgun')).toEqual([]);
});

test('at most four subjects are answered', () => {
  expect(ids('status temperature memory cpu disk events models version')).toHaveLength(4);
});

test.each([
  ['How do I add a model?', true],
  ['Comment ajouter un modèle ?', true],
  ['Explain the breaker', true],
  ['How hot is it?', false],
  ['something else altogether', true],
])('%j asks for documentation: %s', (question, documentation) => {
  expect(recognise(normalise(question)).documentation).toBe(documentation);
});

test('any text ends in a bounded answer', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 3000 }), (text) => {
      expect(ids(text).length).toBeLessThanOrEqual(4);
    }),
  );
});

import { expect, test } from 'vitest';
import { detectLanguage } from './language.js';

test.each([
  'how are you?',
  'What is the temperature?',
  'why did you reduce the load',
  'status',
  'temperature',
  'Show me the last events',
  '',
  '???',
  '你好',
  'Which café is open?',
])('%j is English', (question) => {
  expect(detectLanguage(question)).toBe('en');
});

test.each([
  'Comment vas-tu ?',
  'Quelle est la température ?',
  'pourquoi as-tu réduit la charge',
  'QUELLE EST TA VERSION',
  'température',
  'etat',
  'Bonjour !',
  'dernieres decisions',
  'L’état du disque, s’il te plaît',
  'quelle est la temperature'.normalize('NFD'),
  'me\u0301moire',
])('%j is French', (question) => {
  expect(detectLanguage(question)).toBe('fr');
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCheckpoint, parseCheckpoint } from './checkpoint.js';
import { openNote, signNote } from './note.js';
import { createSigner, parseVerifierKey } from './note-key.js';

/** From golang.org/x/mod v0.33.0, sumdb/note/note_test.go and example_test.go (BSD-3-Clause), the first implementation of the format. */
const published = {
  text: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
  peterSeed: Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1),
  peterKey: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  peterLine:
    '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n',
  enochKey: 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop',
  enochLine:
    '— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n',
};
const { text, peterLine, enochLine } = published;
const peter = parseVerifierKey(published.peterKey);
const enoch = parseVerifierKey(published.enochKey);
const both = `${text}\n${peterLine}${enochLine}`;

describe('signed notes, with the vectors of golang.org/x/mod', () => {
  it('derives the verifier key and signs byte for byte the same', () => {
    const signer = createSigner('PeterNeumann', published.peterSeed);
    expect(signer.verifierKey).toBe(published.peterKey);
    expect(signNote(text, [signer])).toBe(`${text}\n${peterLine}`);
  });

  it('names the known keys that signed, and passes over the others', () => {
    expect(openNote(both, [peter, enoch])).toEqual({ text, signedBy: ['PeterNeumann', 'EnochRoot'] });
    expect(openNote(both, [enoch])).toEqual({ text, signedBy: ['EnochRoot'] });
    expect(openNote(`${text}\n${peterLine}${peterLine}`, [peter]).signedBy).toEqual(['PeterNeumann']);
  });

  it('refuses a note that no known key signed, also when only the name or only the id is known', () => {
    const sameName = { ...peter, keyId: 1, verify: () => true };
    const sameId = { ...peter, name: 'Peter', verify: () => true };
    for (const known of [[], [sameName], [sameId]]) {
      expect(() => openNote(both, known)).toThrow(expect.objectContaining({ code: 'note_unsigned' }));
    }
  });

  it('refuses a known key that did not sign this text, even beside one that did', () => {
    const changed = both.replace('your problem,', 'our problem,');
    const forged = `${text}\n${peterLine.replace('UgYN', 'UgYM')}${enochLine}`;
    for (const note of [changed, forged]) {
      expect(() => openNote(note, [peter, enoch])).toThrow(expect.objectContaining({ code: 'note_forged' }));
    }
  });

  it('takes the last blank line as the end of the text', () => {
    const signer = createSigner('x', Buffer.alloc(32, 7));
    const note = signNote('a\n\nb\n', [signer]);
    expect(openNote(note, [parseVerifierKey(signer.verifierKey)]).text).toBe('a\n\nb\n');
  });

  it.each([
    ['nothing', ''],
    ['no blank line', `${text}${peterLine}`],
    ['no signature', `${text}\n`],
    ['no final newline', `${text}\n${peterLine.trimEnd()}`],
    ['a carriage return', both.replaceAll('\n', '\r\n')],
    ['a NUL', `\0${both}`],
    ['a lone surrogate', `\ud800${both}`],
    ['a hyphen for the dash', both.replace('—', '-')],
    ['no name', both.replace(' PeterNeumann', '')],
    ['a space in the base64', both.replace('x08g', 'x0 8g')],
    ['base64 without its padding', both.replace('nAM=', 'nAM')],
    ['too short a signature', both.replace(/x08\S+/, 'x08goQ==')],
    ['101 signatures', `${text}\n${peterLine.repeat(101)}`],
  ])('refuses %s', (_, note) => {
    expect(() => openNote(note, [peter])).toThrow(expect.objectContaining({ code: 'note_malformed' }));
  });

  it('takes 100 signatures', () => {
    expect(openNote(`${text}\n${peterLine.repeat(100)}`, [peter]).signedBy).toHaveLength(1);
  });

  it('signs nothing that could be read in two ways', () => {
    const signer = createSigner('x', Buffer.alloc(32, 7));
    for (const bad of ['', 'a', 'a\r\n', 'a\0\n'])
      expect(() => signNote(bad, [signer])).toThrow(/ends with a newline/);
    for (const name of ['', 'a b', 'a+b', 'a\u00a0b', 'a\nb', '\u0085']) {
      expect(() => createSigner(name, Buffer.alloc(32))).toThrow(/cannot be the name/);
    }
    expect(() => createSigner('a', Buffer.alloc(31))).toThrow(/32 bytes, not 31/);
  });

  it('refuses every part of a verifier key, every changed character, another length and another algorithm', () => {
    const key = published.peterKey;
    for (let begin = 0; begin <= key.length; begin++) {
      for (let end = begin + 1; end <= key.length; end++) {
        if (begin !== 0 || end !== key.length)
          expect(() => parseVerifierKey(key.slice(begin, end))).toThrow();
      }
    }
    for (let at = 0; at < key.length; at++) {
      const changed = `${key.slice(0, at)}${String.fromCharCode(key.charCodeAt(at) + 1)}${key.slice(at + 1)}`;
      expect(() => parseVerifierKey(changed)).toThrow(expect.objectContaining({ code: 'key_malformed' }));
    }
    for (const bad of [
      'PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==',
      'PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
    ]) {
      expect(() => parseVerifierKey(bad)).toThrow(expect.objectContaining({ code: 'key_malformed' }));
    }
  });

  it('opens what it signed, for any text of lines, and nothing with one character changed', () => {
    const signer = createSigner('a.example/1', Buffer.alloc(32, 9));
    const verifier = parseVerifierKey(signer.verifierKey);
    const line = fc.string({ unit: fc.constantFrom('a', 'é', '—', ' ', '0', '+') });
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), fc.nat(), (lines, place) => {
        const signed = `${lines.join('\n')}\n`;
        const note = signNote(signed, [signer]);
        expect(openNote(note, [verifier]).text).toBe(signed);
        const at = place % note.length;
        const changed = `${note.slice(0, at)}${note[at] === 'Z' ? 'Y' : 'Z'}${note.slice(at + 1)}`;
        expect(() => openNote(changed, [verifier])).toThrow();
      }),
      { numRuns: 200 },
    );
  });
});

describe('checkpoints', () => {
  /** The example of c2sp.org/tlog-checkpoint. */
  const example = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';

  it('reads and writes the example of the specification', () => {
    const checkpoint = parseCheckpoint(example);
    expect(checkpoint).toMatchObject({ origin: 'example.com/behind-the-sofa', size: 20_852_163 });
    expect(formatCheckpoint(checkpoint)).toBe(example);
  });

  it('passes over extension lines', () => {
    expect(parseCheckpoint(`${example}more\nand more\n`).size).toBe(20_852_163);
  });

  it.each([
    ['no final newline', example.trimEnd()],
    ['two lines', 'a\n1\n'],
    ['no origin', example.replace('example.com/behind-the-sofa', '')],
    ['a leading zero', example.replace('20852163', '020852163')],
    ['a sign', example.replace('20852163', '-1')],
    ['no size', example.replace('20852163', '')],
    ['a size beyond 2^53', example.replace('20852163', '9007199254740992')],
    ['a short root', example.replace('CsUY', '')],
    ['an empty extension line', `${example}\nx\n`],
  ])('refuses %s', (_, bad) => {
    expect(() => parseCheckpoint(bad)).toThrow(expect.objectContaining({ code: 'checkpoint_malformed' }));
  });
});

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { beginEpoch, readSigner } from './identity.js';
import { openNote, signNote } from './note.js';
import { parseVerifierKey } from './note-key.js';

let folder: string;
const file = () => join(folder, 'log-key.json');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-identity-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('the identity of a log', () => {
  it('does not exist until an epoch begins; reading makes nothing', async () => {
    expect(await readSigner(folder)).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is made once, for its owner alone, and read again as it was', async () => {
    const signer = await beginEpoch(folder);
    expect(signer.name).toMatch(/^arkalia-[0-9a-f]{32}\/1$/);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['log-key.json']);
    const again = await readSigner(folder);
    expect(again?.verifierKey).toBe(signer.verifierKey);
    const note = signNote('text\n', [again!]);
    expect(openNote(note, [parseVerifierKey(signer.verifierKey)]).signedBy).toEqual([signer.name]);
  });

  it('keeps device and key from epoch to epoch, and another device has others', async () => {
    const first = await beginEpoch(folder);
    const second = await beginEpoch(folder);
    expect(second.name).toBe(first.name.replace(/1$/, '2'));
    expect(second.verifierKey.split('+').at(-1)).toBe(first.verifierKey.split('+').at(-1));
    const elsewhere = join(folder, 'other');
    mkdirSync(elsewhere);
    const other = await beginEpoch(elsewhere);
    expect(other.name.split('/')[0]).not.toBe(first.name.split('/')[0]);
    expect(other.verifierKey.split('+').at(-1)).not.toBe(first.verifierKey.split('+').at(-1));
  });

  it('refuses a damaged file, says what to do, and leaves it as it is', async () => {
    await beginEpoch(folder);
    const whole = JSON.parse(readFileSync(file(), 'utf8'));
    const bad = [
      '',
      'null',
      '{}',
      JSON.stringify({ ...whole, version: 2 }),
      JSON.stringify({ ...whole, device_id: 'with space' }),
      JSON.stringify({ ...whole, epoch: 1.5 }),
      JSON.stringify({ ...whole, epoch: -1 }),
      JSON.stringify({ ...whole, seed: whole.seed.slice(4) }),
    ];
    for (const content of bad) {
      writeFileSync(file(), content);
      await expect(readSigner(folder)).rejects.toMatchObject({
        code: 'ledger_unusable',
        message: expect.stringMatching(/log-key\.json.*Put it back from a backup/),
      });
      await expect(beginEpoch(folder)).rejects.toMatchObject({ code: 'ledger_unusable' });
      expect(readFileSync(file(), 'utf8')).toBe(content);
    }
  });
});

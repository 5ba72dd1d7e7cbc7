import { expect, test } from 'vitest';
import { Beats, beatMs, Heart } from './beats.js';

test('a slot is watched from its first beat on, not while it rests, and not once it was given back', () => {
  const beats = new Beats();
  const heart = beats.take({ part: 'sandbox', pid: 77, silentMsMax: 1000 })!;
  expect(beats.read()).toEqual([]);
  heart.beat();
  expect(beats.read(beatMs() + 500)).toMatchObject([
    { slot: 0, part: 'sandbox', pid: 77, silentMsMax: 1000 },
  ]);
  heart.rest();
  expect(beats.read()).toEqual([]);
  heart.beat();
  heart.free();
  expect(beats.read()).toEqual([]);
});

test('a heart in another thread is the same slot: what it is made of is its place', () => {
  const beats = new Beats();
  const mine = beats.take({ part: 'ledger', silentMsMax: 1000 })!;
  new Heart(mine.place).beat();
  expect(new Beats(beats.memory).read()).toMatchObject([{ slot: 0, part: 'ledger' }]);
});

test('128 slots, one after the other; one that was given back is taken again', () => {
  const beats = new Beats();
  const hearts = Array.from({ length: 128 }, () => beats.take({ part: 'sandbox', pid: 1, silentMsMax: 1 })!);
  expect(beats.take({ part: 'sandbox', pid: 1, silentMsMax: 1 })).toBeUndefined();
  hearts[5]!.free();
  expect(beats.take({ part: 'http', silentMsMax: 1 })!.place.slot).toBe(5);
});

test('the age is right where the clock of 32 bits turns over, and a beat that came after the look is no age', () => {
  const beats = new Beats();
  const heart = beats.take({ part: 'http', silentMsMax: 1 })!;
  heart.beat();
  const words = new Int32Array(beats.memory);
  words[4] = 0x7fff_ff00;
  expect(beats.read((0x7fff_ff00 + 1000) | 0)[0]!.ageMs).toBe(1000);
  expect(beats.read(0x7fff_fe00)[0]!.ageMs).toBe(0);
});

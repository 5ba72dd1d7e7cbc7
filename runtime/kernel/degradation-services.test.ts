import { expect, test } from 'vitest';
import { levels } from '../contracts/device.js';
import { priorities } from '../contracts/module.js';
import { limitsAt, servicesAt, shedAt } from './degradation-services.js';

const rank = { full: 0, reduced: 1, shed: 2 } as const;

test('each level takes something more, and gives back nothing that a milder one takes', () => {
  for (const [index, level] of levels.slice(1).entries()) {
    const milder = servicesAt(levels[index]!);
    const here = servicesAt(level);
    for (const [place, { state }] of here.entries()) {
      expect(rank[state]).toBeGreaterThanOrEqual(rank[milder[place]!.state]);
    }
    expect(limitsAt(level)).not.toEqual(limitsAt(levels[index]!));
  }
});

test('no service is shed while one that matters less is whole', () => {
  for (const level of levels) {
    const states = servicesAt(level);
    for (const one of states.filter(({ state }) => state === 'shed')) {
      const lesser = states.filter(
        ({ priority }) => priorities.indexOf(priority) > priorities.indexOf(one.priority),
      );
      expect(lesser.filter(({ state }) => state !== 'shed')).toEqual([]);
    }
  }
});

test('what is critical is never touched; at survival only that is left', () => {
  for (const { priority, state } of servicesAt('survival')) {
    expect(state).toBe(priority === 'critical' ? 'full' : 'shed');
  }
  expect(limitsAt('survival')).toMatchObject({ models: false, navigator: false, advice: false });
});

test('the words say exactly what is taken, and normal takes nothing', () => {
  expect(shedAt('normal')).toEqual([]);
  for (const level of levels) {
    const taken = servicesAt(level).filter(({ state }) => state !== 'full');
    expect(shedAt(level)).toEqual(taken.map(({ means }) => means));
  }
  expect(shedAt('emergency')).toContain('engines with a language model: only the navigator answers');
});

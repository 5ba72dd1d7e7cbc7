import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { CgroupModel } from '../../test/support/cgroup-model.js';
import { Groups } from './groups.js';

const unit = 'system.slice/arkalia.service';
const limits = { memoryBytes: 1000, processes: 7 };
let model: CgroupModel;
afterEach(() => model.close());

const opened = (...options: ConstructorParameters<typeof CgroupModel>) => {
  model = new CgroupModel(...options);
  return Groups.open(model);
};

describe('version 2, against a model of its files', () => {
  it('moves the server into a leaf before it hands controllers on, then tries a group', () => {
    model = new CgroupModel(unit, { procs: [100, 101], offered: 'memory pids cpu' });
    model.ours.add(101);
    expect(Groups.open(model).lacks()).toEqual([]);
    const [first, second, ...rest] = model.log;
    expect([first, second]).toEqual([
      `mkdir ${unit}/arkalia-server`,
      `${unit}/arkalia-server/cgroup.procs < 100`,
    ]);
    const own = rest.map((line) => line.replaceAll(/arkalia-100-\d+/g, 'CHILD'));
    expect(own).toEqual([
      `${unit}/arkalia-server/cgroup.procs < 101`,
      `${unit}/cgroup.subtree_control < +memory`,
      `${unit}/cgroup.subtree_control < +pids`,
      `${unit}/cgroup.subtree_control < +cpu`,
      `${unit}/arkalia-server/cpu.weight < 400`,
      `mkdir ${unit}/CHILD`,
      `${unit}/CHILD/memory.max < 1073741824`,
      `${unit}/CHILD/memory.oom.group < 1`,
      `${unit}/CHILD/pids.max < 64`,
      `${unit}/CHILD/cpu.weight < 100`,
      `rmdir ${unit}/CHILD`,
    ]);
  });

  it('leaves a group alone in which a process of somebody else is', () => {
    const groups = opened('user.slice/terminal.scope', { procs: [100, 7] });
    expect(groups.lacks()).toEqual([
      expect.stringMatching(
        /^control groups: memory, pids, cpu: .*terminal\.scope also holds process 7, which/,
      ),
    ]);
    expect(model.log).toEqual([]);
    expect(groups.make(limits)).toBeUndefined();
  });

  it('stays in the leaf when it is started again, and uses what is handed on already', () => {
    model = new CgroupModel(unit, { procs: [], handedOn: 'memory pids cpu' });
    const leaf = join(model.own, 'arkalia-server');
    model.makeFolder(leaf);
    model.enter(leaf, 100);
    model.cgroup = `0::/${unit}/arkalia-server\n`;
    model.log.length = 0;
    const again = Groups.open(model);
    expect(again.holds()).toHaveLength(3);
    expect(model.log.filter((line) => line.includes('subtree_control') || line.includes('procs'))).toEqual(
      [],
    );
  });

  it('needs no leaf in the root of all groups', () => {
    const groups = opened('', { procs: [1, 2, 100], offered: 'memory pids' });
    expect(groups.holds()).toHaveLength(2);
    expect(groups.lacks()).toEqual([expect.stringContaining('cpu: ')]);
  });

  it('says what is not offered, and what the kernel does not take, by controller', () => {
    const groups = opened(unit, { offered: 'pids' });
    expect(groups.holds()).toEqual([expect.stringMatching(/^control group \(v2\): processes/)]);
    expect(groups.lacks()).toEqual([
      expect.stringMatching(
        /^control groups: memory: .*arkalia\.service does not offer it \(on a Raspberry Pi: /,
      ),
      expect.stringMatching(/^control groups: cpu: .*arkalia\.service does not offer it$/),
    ]);
  });

  it.each([
    ['EROFS', 'is read-only'],
    ['EACCES', 'is not writable'],
    ['ENOSPC', ': ENOSPC'],
  ])('says so where it cannot write (%s)', (code, words) => {
    model = new CgroupModel(unit);
    model.refuses = { [unit]: code };
    const groups = Groups.open(model);
    expect(groups.any).toBe(false);
    expect(groups.lacks()).toEqual([expect.stringContaining(words)]);
    expect(groups.lacks()[0]).toContain(model.own);
    expect(model.folders(model.own)).toEqual([]);
  });

  it('adds to what a level holds, and takes back what it lacks without groups', () => {
    const level = { holds: ['one'], lacks: ['network: reachable', 'processes: not limited'] };
    const { holds, lacks } = opened(unit).beside(level);
    expect(holds).toHaveLength(4);
    expect(lacks).toEqual(['network: reachable']);
    const without = Groups.open(undefined);
    expect(without.beside(level).lacks).toEqual([...level.lacks, ...without.lacks()]);
  });

  it('has no groups on another system', () => {
    model = new CgroupModel(unit);
    expect(Groups.open(undefined).lacks()).toEqual([
      'control groups: memory, pids, cpu: only Linux has them',
    ]);
  });
});

describe('the group of a child', () => {
  const child = (groups: Groups) => {
    const group = groups.make(limits);
    const [program, ...args] = ['/bin/true', 'x'] as const;
    const files = group?.entering(program, args).args.filter((arg) => arg.endsWith('/cgroup.procs')) ?? [];
    return { group, folder: files[0]?.slice(0, -'/cgroup.procs'.length) ?? '' };
  };

  it('has its limits, is entered before the program, counts what was killed, and is emptied and removed', async () => {
    const groups = opened(unit);
    const { group, folder } = child(groups);
    expect(model.read(join(folder, 'memory.max'))).toBe('1000');
    expect(model.read(join(folder, 'pids.max'))).toBe('7');
    expect(group?.entering('/bin/true', ['x']).args.slice(-3)).toEqual(['--', '/bin/true', 'x']);
    model.enter(folder, 500);
    expect(group?.outOfMemory()).toBe(false);
    model.write(join(folder, 'memory.events'), 'low 0\nmax 9\noom 1\noom_kill 1\noom_group_kill 1\n');
    group?.end();
    await groups.close();
    expect(model.killed).toEqual([500]);
    expect(existsSync(folder)).toBe(false);
    expect(group?.outOfMemory()).toBe(true);
  });

  it('is done without, from the first that cannot be made on, and that is said', () => {
    const groups = opened(unit);
    model.refuses = { [unit]: 'ENOSPC' };
    expect(child(groups).group).toBeUndefined();
    expect(groups.holds()).toEqual([]);
    expect(groups.lacks()).toEqual([expect.stringContaining('ENOSPC')]);
    model.refuses = {};
    expect(child(groups).group).toBeUndefined();
  });

  it('of a server that has gone is removed at the next start; nobody else’s is', () => {
    opened(unit);
    const names = ['arkalia-99-1', 'arkalia-98-4', 'arkalia-100-9', 'arkalia-bench-99', 'somebody'];
    for (const name of names) model.makeFolder(join(model.own, name));
    model.enter(join(model.own, 'arkalia-98-4'), 600);
    Groups.open(model);
    expect(model.folders(model.own).sort()).toEqual(['arkalia-server', ...names.slice(1)].sort());
  });
});

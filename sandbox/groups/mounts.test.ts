import { expect, it } from 'vitest';
import { ownGroups } from './mounts.js';

const v2Mount = '35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate';
const v1Mount = (names: string, root = '/') =>
  `40 31 0:35 ${root} /sys/fs/cgroup/${names} rw,relatime - cgroup cgroup rw,${names}`;

it('finds the group of version 2 as systemd gives it', () => {
  expect(ownGroups('0::/system.slice/arkalia.service\n', v2Mount)).toEqual({
    v2: '/sys/fs/cgroup/system.slice/arkalia.service',
    v1: {},
  });
});

it('finds each hierarchy of version 1, two controllers in one, and version 2 beside them', () => {
  const cgroup = ['9:name=systemd:/', '8:pids:/a', '4:memory:/a/b', '1:cpu,cpuacct:/c', '0::/'].join('\n');
  const mounts = [v1Mount('pids'), v1Mount('memory'), v1Mount('cpu,cpuacct'), v2Mount].join('\n');
  expect(ownGroups(cgroup, mounts)).toEqual({
    v2: '/sys/fs/cgroup',
    v1: {
      pids: '/sys/fs/cgroup/pids/a',
      memory: '/sys/fs/cgroup/memory/a/b',
      cpu: '/sys/fs/cgroup/cpu,cpuacct/c',
    },
  });
});

it('sees the part that is mounted in a container, and nothing beside it', () => {
  const cgroup = '4:memory:/docker/one/inner\n8:pids:/docker/other\n';
  const mounts = [v1Mount('memory', '/docker/one'), v1Mount('pids', '/docker/one')].join('\n');
  expect(ownGroups(cgroup, mounts)).toEqual({ v1: { memory: '/sys/fs/cgroup/memory/inner' } });
});

it('reads blanks in paths, and skips what is no line of its kind', () => {
  const mount = '35 24 0:30 / /mnt/my\\040groups rw - cgroup2 cgroup2 rw';
  expect(ownGroups('garbage\n0::/x\n', `garbage\n${mount}\n`).v2).toBe('/mnt/my groups/x');
  expect(ownGroups('', '')).toEqual({ v1: {} });
});

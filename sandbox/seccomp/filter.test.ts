import { describe, expect, it } from 'vitest';
import { archToken, kernelHeaders, runFilter as run } from '../../test/support/bpf.js';
import { type FilterArch, hasFilter } from './bpf.js';
import { type FilterKind, seccompFilter } from './filter.js';
import { allowedAlways, allowedPartly, allowedToModels } from './syscalls.js';

const allow = 0x7fff0000;
const unknown = 0x00050026;
const kill = 0x80000000;
const arches: FilterArch[] = ['x64', 'arm64'];
const kinds: FilterKind[] = ['worker', 'model'];
const token = archToken;

describe.each(arches)('the filter of %s', (arch) => {
  const index = arch === 'x64' ? 0 : 1;
  const number = (name: string) => {
    const all = { ...allowedAlways, ...allowedPartly, ...allowedToModels };
    return all[name as keyof typeof all]?.[index] as number;
  };
  const ask = (kind: FilterKind, name: string | number, args: number[] = []) =>
    run(seccompFilter(arch, kind), {
      arch: token[arch],
      number: typeof name === 'string' ? number(name) : name,
      args,
    });

  it.each(kinds)('lets a %s call exactly what the table says', (kind) => {
    const allowed = new Set(
      Object.values(kind === 'model' ? { ...allowedAlways, ...allowedToModels } : allowedAlways).map(
        (numbers) => numbers[index],
      ),
    );
    const partly = new Set(Object.values(allowedPartly).map((numbers) => numbers[index] as number));
    for (let one = 0; one < 600; one += 1) {
      if (partly.has(one)) continue;
      expect(ask(kind, one), `call ${one}`).toBe(allowed.has(one) ? allow : unknown);
    }
  });

  it('kills a process that calls in the way of another architecture', () => {
    for (const other of [0x40000003, 0x40000028, token[arch === 'x64' ? 'arm64' : 'x64']])
      expect(run(seccompFilter(arch, 'worker'), { arch: other, number: 0 })).toBe(kill);
    if (arch === 'x64') expect(ask('worker', 0x40000000)).toBe(unknown);
  });

  it('gives a worker threads and no processes, a model both, and nobody namespaces', () => {
    const thread = 0x3d0f00;
    const forked = 0x01200011;
    expect(ask('worker', 'clone', [thread])).toBe(allow);
    expect(ask('worker', 'clone', [forked])).toBe(unknown);
    expect(ask('model', 'clone', [forked])).toBe(allow);
    for (const kind of kinds)
      for (const namespace of [
        0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000,
      ])
        for (const flags of [thread, forked])
          expect(ask(kind, 'clone', [flags | namespace]), namespace.toString(16)).toBe(unknown);
  });

  it('gives memory that is private, or shared with a file, not shared memory of nothing', () => {
    expect(ask('worker', 'mmap', [0, 4096, 3, 0x22])).toBe(allow);
    expect(ask('worker', 'mmap', [0, 4096, 1, 0x01])).toBe(allow);
    expect(ask('worker', 'mmap', [0, 4096, 3, 0x21])).toBe(unknown);
    expect(ask('worker', 'mmap', [0, 4096, 3, 0x4021])).toBe(unknown);
  });

  it('limits itself only, and types into no terminal', () => {
    expect(ask('worker', 'prlimit64', [0])).toBe(allow);
    expect(ask('worker', 'prlimit64', [1])).toBe(unknown);
    expect(ask('worker', 'ioctl', [0, 0x5421])).toBe(allow);
    expect(ask('worker', 'ioctl', [0, 0x5412])).toBe(unknown);
    expect(ask('worker', 'prctl', [15])).toBe(allow);
    expect(ask('worker', 'prctl', [22])).toBe(unknown);
  });

  it('fits what the kernel loads', () => {
    for (const kind of kinds) expect(seccompFilter(arch, kind).length / 8).toBeLessThan(4096);
  });
});

describe('the table of calls', () => {
  const headers = kernelHeaders();

  it.each([0, 1] as const)(
    'agrees with the kernel header of architecture %i, where it is installed',
    (index) => {
      const known = headers[index];
      if (known === undefined) return;
      for (const [name, numbers] of Object.entries({
        ...allowedAlways,
        ...allowedPartly,
        ...allowedToModels,
      })) {
        const value = known.get(name) ?? (name === 'newfstatat' ? known.get('fstatat') : undefined);
        expect(numbers[index], name).toBe(value ?? null);
      }
    },
  );

  it.each([
    'socket',
    'connect',
    'bind',
    'listen',
    'accept',
    'ptrace',
    'mount',
    'umount2',
    'unshare',
    'setns',
    'clone3',
    'bpf',
    'io_uring_setup',
    'memfd_create',
    'userfaultfd',
    'process_vm_readv',
    'process_vm_writev',
    'keyctl',
    'perf_event_open',
    'init_module',
    'kexec_load',
    'reboot',
    'swapon',
    'open_by_handle_at',
    'setuid',
    'setgid',
    'chroot',
    'pivot_root',
    'shmget',
    'mknod',
    'mknodat',
    'symlinkat',
    'linkat',
    'unlinkat',
    'renameat2',
    'truncate',
    'ftruncate',
    'fallocate',
  ])('has no %s', (name) => {
    expect({ ...allowedAlways, ...allowedPartly, ...allowedToModels }).not.toHaveProperty(name);
  });

  it('exists for the processors that the appliance is for', () => {
    expect(['x64', 'arm64', 'arm', 'riscv64'].map(hasFilter)).toEqual([true, true, false, false]);
  });
});

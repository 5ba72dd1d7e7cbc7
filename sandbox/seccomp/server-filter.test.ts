import { describe, expect, it } from 'vitest';
import { archToken, kernelHeaders, runFilter } from '../../test/support/bpf.js';
import type { FilterArch } from './bpf.js';
import { deniedToServers, partlyDeniedToServers, serverFilter } from './server-filter.js';

const allow = 0x7fff0000;
const unknown = 0x00050026;
const kill = 0x80000000;
const arches: FilterArch[] = ['x64', 'arm64'];

describe.each(arches)('the filter of tool servers on %s', (arch) => {
  const index = arch === 'x64' ? 0 : 1;
  const filter = serverFilter(arch);
  const ask = (number: number, ...args: number[]) =>
    runFilter(filter, { arch: archToken[arch], number, args });

  it('denies exactly what the table says', () => {
    const denied = new Set(Object.values(deniedToServers).map((numbers) => numbers[index]));
    const partly = new Set<number>(Object.values(partlyDeniedToServers).map((numbers) => numbers[index]));
    for (let one = 0; one < 600; one += 1)
      if (!partly.has(one)) expect(ask(one), `call ${one}`).toBe(denied.has(one) ? unknown : allow);
  });

  it('gives processes and threads, and no namespace', () => {
    const clone = partlyDeniedToServers.clone[index];
    for (const flags of [0x3d0f00, 0x01200011]) {
      expect(ask(clone, flags)).toBe(allow);
      for (const one of [0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000])
        expect(ask(clone, flags | one)).toBe(unknown);
    }
  });

  it('gives sockets of the network namespace, and types into no terminal', () => {
    const { socket, ioctl } = partlyDeniedToServers;
    for (let family = 0; family < 50; family += 1)
      expect(ask(socket[index], family), `family ${family}`).toBe(
        [1, 2, 10, 16].includes(family) ? allow : unknown,
      );
    for (const request of [0x5401, 0x5413, 0x5421, 0x8912]) expect(ask(ioctl[index], 0, request)).toBe(allow);
    for (const request of [0x5412, 0x541c]) expect(ask(ioctl[index], 0, request)).toBe(unknown);
  });

  it('knows no other form of calls', () => {
    for (const other of [0x40000003, 0x40000028, archToken[arch === 'x64' ? 'arm64' : 'x64']])
      expect(runFilter(filter, { arch: other, number: 0 })).toBe(kill);
    if (arch === 'x64') for (const number of [0, 165, 1000]) expect(ask(0x40000000 + number)).toBe(unknown);
  });

  it('agrees with the kernel header, where it is installed', () => {
    const known = kernelHeaders()[index];
    if (known === undefined) return;
    for (const [name, numbers] of Object.entries({ ...deniedToServers, ...partlyDeniedToServers }))
      expect(numbers[index], name).toBe(known.get(name) ?? null);
  });
});

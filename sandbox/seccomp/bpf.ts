/** Processors that a filter can be made for; named as Node names them. */
export type FilterArch = 'x64' | 'arm64';

/** One instruction of classic BPF: operation, jump when true, jump when false, operand. */
export type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, k: number];

export const load = (offset: number): Instruction => [0x20, 0, 0, offset];
export const and = (mask: number): Instruction => [0x54, 0, 0, mask];
export const ifEqual = (value: number, jumpTrue: number, jumpFalse: number): Instruction => [
  0x15,
  jumpTrue,
  jumpFalse,
  value,
];
const answer = (action: number): Instruction => [0x06, 0, 0, action];

export const allow = answer(0x7fff0000);
const kill = answer(0x80000000);
/** ENOSYS, not EPERM: libraries then take the older call that a newer one replaced. */
export const unknown = answer(0x00050000 | 38);

/** Offsets in struct seccomp_data, little-endian. */
const numberAt = 0;
const archAt = 4;
export const argumentAt = (index: number): number => 16 + 8 * index;

/** AUDIT_ARCH of each. Calls of another architecture, such as 32-bit ones, have other numbers: they kill the process. */
const archToken: Record<FilterArch, number> = { x64: 0xc000003e, arm64: 0xc00000b7 };

/** Every CLONE_NEW…: time, mount, cgroup, UTS, IPC, user, PID, network. */
export const cloneNamespaces = 0x7e020080;

/** The beginning of a filter: another architecture's calls kill; then the number of the call is loaded. */
export const begin = (arch: FilterArch): Instruction[] => [
  load(archAt),
  ifEqual(archToken[arch], 1, 0),
  kill,
  load(numberAt),
];

/** Whether this processor has a filter. */
export function hasFilter(arch: string): arch is FilterArch {
  return arch === 'x64' || arch === 'arm64';
}

/** A filter as the kernel and bubblewrap take it: struct sock_filter after struct sock_filter, eight bytes each, little-endian (seccomp(2)). */
export function encoded(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [i, [code, jumpTrue, jumpFalse, k]] of program.entries()) {
    bytes.writeUInt16LE(code, i * 8);
    bytes.writeUInt8(jumpTrue, i * 8 + 2);
    bytes.writeUInt8(jumpFalse, i * 8 + 3);
    bytes.writeUInt32LE(k >>> 0, i * 8 + 4);
  }
  return bytes;
}

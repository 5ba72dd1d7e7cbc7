import { allowedAlways, allowedPartly, allowedToModels, type SyscallNumbers } from './syscalls.js';

/** Processors that a filter can be made for; named as Node names them. */
export type FilterArch = 'x64' | 'arm64';
export type FilterKind = 'worker' | 'model';

/** One instruction of classic BPF: operation, jump when true, jump when false, operand. */
type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, k: number];

/** An argument of a call, and what it must be: one of some values, after a mask. Only its lower 32 bits are looked at. */
interface Condition {
  argument: number;
  mask?: number;
  oneOf: readonly number[];
}

const load = (offset: number): Instruction => [0x20, 0, 0, offset];
const and = (mask: number): Instruction => [0x54, 0, 0, mask];
const ifEqual = (value: number, jumpTrue: number, jumpFalse: number): Instruction => [
  0x15,
  jumpTrue,
  jumpFalse,
  value,
];
const answer = (action: number): Instruction => [0x06, 0, 0, action];

const allow = answer(0x7fff0000);
const kill = answer(0x80000000);
/** ENOSYS, not EPERM: libraries then take the older call that a newer one replaced. */
const unknown = answer(0x00050000 | 38);

/** Offsets in struct seccomp_data, little-endian. */
const numberAt = 0;
const archAt = 4;
const argumentAt = (index: number): number => 16 + 8 * index;

/** AUDIT_ARCH of each. Calls of another architecture, such as 32-bit ones, have other numbers: they kill the process. */
const archToken: Record<FilterArch, number> = { x64: 0xc000003e, arm64: 0xc00000b7 };

const cloneThread = 0x00010000;
/** Every CLONE_NEW…: time, mount, cgroup, UTS, IPC, user, PID, network. */
const cloneNamespaces = 0x7e020080;
const mapShared = 0x01;
const mapAnonymous = 0x20;

const conditions: Record<keyof typeof allowedPartly, (kind: FilterKind) => Condition> = {
  // A worker starts threads only; nobody makes a namespace. clone3 hides its flags in memory, so it is unknown.
  clone: (kind) =>
    kind === 'worker'
      ? { argument: 0, mask: cloneThread | cloneNamespaces, oneOf: [cloneThread] }
      : { argument: 0, mask: cloneNamespaces, oneOf: [0] },
  // Shared memory without a file is not counted by RLIMIT_DATA.
  mmap: () => ({
    argument: 3,
    mask: mapShared | mapAnonymous,
    oneOf: [0, mapShared, mapAnonymous],
  }),
  // TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX: nothing that types into a terminal.
  ioctl: () => ({ argument: 1, oneOf: [0x5401, 0x5413, 0x541b, 0x5421, 0x5450, 0x5451] }),
  // PDEATHSIG, GET_DUMPABLE, SET_DUMPABLE, SET_NAME, GET_NAME, CAPBSET_READ, SET_NO_NEW_PRIVS, GET_NO_NEW_PRIVS, SET_VMA.
  prctl: () => ({ argument: 0, oneOf: [1, 3, 4, 15, 16, 23, 38, 39, 0x53564d41] }),
  // Of itself only.
  prlimit64: () => ({ argument: 0, oneOf: [0] }),
};

function numberOf(numbers: SyscallNumbers, arch: FilterArch): number | null {
  return numbers[arch === 'x64' ? 0 : 1];
}

/** Answers `allow` when the condition holds, else `unknown`. */
function checked({ argument, mask, oneOf }: Condition): Instruction[] {
  return [
    load(argumentAt(argument)),
    ...(mask === undefined ? [] : [and(mask)]),
    // Each true jump goes behind the remaining comparisons and the refusal.
    ...oneOf.map((value, i) => ifEqual(value, oneOf.length - i, 0)),
    unknown,
    allow,
  ];
}

function instructions(arch: FilterArch, kind: FilterKind): Instruction[] {
  const always = kind === 'model' ? { ...allowedAlways, ...allowedToModels } : allowedAlways;
  const program: Instruction[] = [load(archAt), ifEqual(archToken[arch], 1, 0), kill, load(numberAt)];
  for (const numbers of Object.values(always)) {
    const number = numberOf(numbers, arch);
    if (number !== null) program.push(ifEqual(number, 0, 1), allow);
  }
  for (const [name, numbers] of Object.entries(allowedPartly)) {
    const number = numberOf(numbers, arch);
    if (number === null) continue;
    const body = checked(conditions[name as keyof typeof allowedPartly](kind));
    program.push(ifEqual(number, 0, body.length), ...body);
  }
  return [...program, unknown];
}

/** Whether this processor has a filter. */
export function hasFilter(arch: string): arch is FilterArch {
  return arch === 'x64' || arch === 'arm64';
}

/**
 * An allow-list of system calls as the kernel and bubblewrap take it: struct sock_filter after struct sock_filter, eight bytes
 * each, little-endian (seccomp(2)).
 */
export function seccompFilter(arch: FilterArch, kind: FilterKind): Buffer {
  const program = instructions(arch, kind);
  const bytes = Buffer.alloc(program.length * 8);
  for (const [i, [code, jumpTrue, jumpFalse, k]] of program.entries()) {
    bytes.writeUInt16LE(code, i * 8);
    bytes.writeUInt8(jumpTrue, i * 8 + 2);
    bytes.writeUInt8(jumpFalse, i * 8 + 3);
    bytes.writeUInt32LE(k >>> 0, i * 8 + 4);
  }
  return bytes;
}

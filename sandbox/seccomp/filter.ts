import {
  allow,
  and,
  argumentAt,
  begin,
  cloneNamespaces,
  encoded,
  type FilterArch,
  type Instruction,
  ifEqual,
  load,
  unknown,
} from './bpf.js';
import { allowedAlways, allowedPartly, allowedToModels, type SyscallNumbers } from './syscalls.js';

export type FilterKind = 'worker' | 'model';

/** An argument of a call, and what it must be: one of some values, after a mask. Only its lower 32 bits are looked at. */
interface Condition {
  argument: number;
  mask?: number;
  oneOf: readonly number[];
}

const cloneThread = 0x00010000;
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
  const program: Instruction[] = begin(arch);
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

/** An allow-list of system calls. */
export function seccompFilter(arch: FilterArch, kind: FilterKind): Buffer {
  return encoded(instructions(arch, kind));
}

import type { FilterArch } from '../seccomp/bpf.js';

/**
 * A program of a few hundred bytes, made here, that makes system calls which JavaScript cannot make, in a row, and writes what each
 * returned to descriptor 3. It is no library, links nothing and ends by itself.
 */

/** An argument of a call: a number, the address of a text, or what an earlier call returned. */
type CallArgument = number | { text: string } | { resultOf: number };
/** A call by its numbers on x86-64 and AArch64, and its arguments. */
export type Call = readonly [x64: number, arm64: number, ...args: CallArgument[]];

const base = 0x400000;
/** ELF header and one program header. */
const headerBytes = 64 + 56;
const machine: Record<FilterArch, number> = { x64: 62, arm64: 183 };
const writeCall: readonly [number, number] = [1, 64];
const exitCall: readonly [number, number] = [231, 94];

/** Machine code of one architecture. */
interface Assembler {
  /** Puts a value into the register of argument `index`; index -1 is that of the call's number. */
  set(index: number, value: number): number[];
  /** Puts what lies at an address into the register of an argument. */
  fetch(index: number, address: number): number[];
  /** Makes the call and stores its result at an address. */
  call(address: number): number[];
}

const little = (value: number, bytes: number): number[] => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64LE(BigInt(value));
  return [...buffer.subarray(0, bytes)];
};

/** mov register, imm64, for rdi, rsi, rdx, r10, r8, r9; rax last, for index -1. */
const x64Moves = [
  [0x48, 0xbf],
  [0x48, 0xbe],
  [0x48, 0xba],
  [0x49, 0xba],
  [0x49, 0xb8],
  [0x49, 0xb9],
];
/** mov register, rax, in the same order. */
const x64FromRax = [
  [0x48, 0x89, 0xc7],
  [0x48, 0x89, 0xc6],
  [0x48, 0x89, 0xc2],
  [0x49, 0x89, 0xc2],
  [0x49, 0x89, 0xc0],
  [0x49, 0x89, 0xc1],
];

const x64: Assembler = {
  set: (index, value) => [...(index < 0 ? [0x48, 0xb8] : (x64Moves[index] as number[])), ...little(value, 8)],
  // mov rax, [address], then on.
  fetch: (index, address) => [0x48, 0xa1, ...little(address, 8), ...(x64FromRax[index] as number[])],
  // syscall; mov [address], rax
  call: (address) => [0x0f, 0x05, 0x48, 0xa3, ...little(address, 8)],
};

/** movz, then movk for the upper three quarters. */
function arm64Set(register: number, value: number): number[] {
  const parts = Buffer.from(little(value, 8));
  return [0, 1, 2, 3].flatMap((quarter) => {
    const operation = quarter === 0 ? 0xd2800000 : 0xf2800000;
    const word = operation + quarter * 0x200000 + parts.readUInt16LE(quarter * 2) * 32 + register;
    return little(word, 4);
  });
}

const arm64: Assembler = {
  set: (index, value) => arm64Set(index < 0 ? 8 : index, value),
  // x9 = address; ldr register, [x9]
  fetch: (index, address) => [...arm64Set(9, address), ...little(0xf9400120 + index, 4)],
  // svc 0; x9 = address; str x0, [x9]
  call: (address) => [...little(0xd4000001, 4), ...arm64Set(9, address), ...little(0xf9000120, 4)],
};

/** The program as an ELF file that runs by itself. Results are signed 64-bit numbers, little-endian, one a call. */
export function nativeProgram(arch: FilterArch, calls: readonly Call[]): Buffer {
  const assembler = arch === 'x64' ? x64 : arm64;
  const texts: string[] = [];
  const codeOf = (resultsAt: number, textAt: (text: string) => number): number[] => {
    const whole: Call[] = [...calls, [...writeCall, 3, resultsAt, 8 * calls.length], [...exitCall, 0]];
    return whole.flatMap(([onX64, onArm64, ...args], i) => [
      ...args.flatMap((argument, index) => {
        if (typeof argument === 'number') return assembler.set(index, argument);
        if ('text' in argument) return assembler.set(index, textAt(argument.text));
        return assembler.fetch(index, resultsAt + 8 * argument.resultOf);
      }),
      ...assembler.set(-1, arch === 'x64' ? onX64 : onArm64),
      ...assembler.call(resultsAt + 8 * i),
    ]);
  };
  // Every instruction has its length whatever the address, so a first run measures.
  const codeBytes = codeOf(0, () => 0).length;
  const textStart = base + headerBytes + codeBytes;
  const addresses = new Map<string, number>();
  let at = textStart;
  for (const argument of calls.flatMap(([, , ...args]) => args)) {
    if (typeof argument === 'number' || !('text' in argument) || addresses.has(argument.text)) continue;
    addresses.set(argument.text, at);
    texts.push(argument.text);
    at += Buffer.byteLength(argument.text) + 1;
  }
  const resultsAt = Math.ceil(at / 8) * 8;
  const code = codeOf(resultsAt, (text) => addresses.get(text) as number);
  const body = Buffer.concat([Buffer.from(code), Buffer.from(texts.map((text) => `${text}\0`).join(''))]);
  const resultBytes = 8 * (calls.length + 2);
  return Buffer.concat([header(arch, headerBytes + body.length, resultsAt - base + resultBytes), body]);
}

/** The ELF header, and one segment that is read, written and run. */
function header(arch: FilterArch, fileBytes: number, memoryBytes: number): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  bytes.writeUInt16LE(2, 16);
  bytes.writeUInt16LE(machine[arch], 18);
  bytes.writeUInt32LE(1, 20);
  bytes.writeBigUInt64LE(BigInt(base + headerBytes), 24);
  bytes.writeBigUInt64LE(64n, 32);
  bytes.writeUInt16LE(64, 52);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(1, 56);
  bytes.writeUInt32LE(1, 64);
  bytes.writeUInt32LE(7, 68);
  bytes.writeBigUInt64LE(BigInt(base), 80);
  bytes.writeBigUInt64LE(BigInt(base), 88);
  bytes.writeBigUInt64LE(BigInt(fileBytes), 96);
  bytes.writeBigUInt64LE(BigInt(memoryBytes), 104);
  bytes.writeBigUInt64LE(0x10000n, 112);
  return bytes;
}

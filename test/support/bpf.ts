import { existsSync, readFileSync } from 'node:fs';

/** AUDIT_ARCH of each processor. */
export const archToken = { x64: 0xc000003e, arm64: 0xc00000b7 };

/** Runs a filter as the kernel does, on a call; throws on what the kernel would refuse to load. */
export function runFilter(filter: Buffer, call: { arch: number; number: number; args?: number[] }): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.number, 0);
  data.writeUInt32LE(call.arch, 4);
  for (const [i, value] of (call.args ?? []).entries()) data.writeUInt32LE(value >>> 0, 16 + 8 * i);
  let accumulator = 0;
  for (let at = 0; at < filter.length; at += 8) {
    const k = filter.readUInt32LE(at + 4);
    switch (filter.readUInt16LE(at)) {
      case 0x20:
        accumulator = data.readUInt32LE(k);
        break;
      case 0x54:
        accumulator = (accumulator & k) >>> 0;
        break;
      case 0x15:
        at += 8 * filter.readUInt8(at + (accumulator === k ? 2 : 3));
        break;
      case 0x35:
        at += 8 * filter.readUInt8(at + (accumulator >= k ? 2 : 3));
        break;
      case 0x06:
        return k;
      default:
        throw new Error('an instruction that no filter has');
    }
  }
  throw new Error('it ran past its end');
}

/** Numbers from a kernel header of this machine, by name. */
function header(file: string, pattern: RegExp): Map<string, number> | undefined {
  if (!existsSync(file)) return undefined;
  const entries = [...readFileSync(file, 'utf8').matchAll(pattern)].map(
    (match) => [match[1] as string, Number(match[2])] as const,
  );
  return new Map(entries);
}

/** Numbers of system calls by name on x86-64 and AArch64, each where its header is installed. */
export const kernelHeaders = () =>
  [
    header('/usr/include/x86_64-linux-gnu/asm/unistd_64.h', /^#define __NR_(\w+)\s+(\d+)/gm),
    header('/usr/include/asm-generic/unistd.h', /^#define __NR(?:3264)?_(\w+)\s+(\d+)/gm),
  ] as const;

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Core } from './index.js';

const bytes = readFileSync(new URL('./core.wasm', import.meta.url));
const sha256 = createHash('sha256').update(bytes).digest('hex');

describe('core', () => {
  it('names the module by its bytes and the parameters by theirs', () => {
    const core = Core.create();
    expect(core.identity.core_sha256).toBe(sha256);
    const { PARAMETERS, PARAMETERS_BYTES } = core.layout;
    const block = Buffer.from(core.share.memory.buffer, PARAMETERS, PARAMETERS_BYTES);
    const digest = createHash('sha256').update(block).digest('hex');
    expect(core.identity.weights_version).toBe(`w2-${digest.slice(0, 12)}`);
    expect(core.layout.MEMORY_PAGES * 65_536).toBe(core.share.memory.buffer.byteLength);
  });

  it('another parameter is another version', () => {
    const core = Core.create();
    const { memory, module } = core.share;
    new DataView(memory.buffer).setFloat64(core.layout.PARAMETERS + core.layout.PARAM_CPU_REDUCE, 81, true);
    const other = Core.attach(memory, module);
    expect(other.identity.weights_version).not.toBe(core.identity.weights_version);
    other.slab.write(0, { cpu: 82, ram: 0, severity: 'none' });
    other.slab.score(0, 1);
    expect(other.slab.read(0).reasons).toEqual(['cpu_above_81']);
  });

  it('instances over one memory see one state', () => {
    const core = Core.create();
    const other = Core.attach(core.share.memory, core.share.module);
    expect(other.identity).toEqual(core.identity);
    const options = {
      window: { calls: 1 },
      callsMin: 1,
      failureRate: 1,
      openMs: 9,
      halfOpenPermits: 1,
      halfOpenMs: 9,
    };
    const slot = core.breakers.take(options);
    const twin = other.breakers.at(slot.index);
    expect(twin.record(slot.acquire(0), 'failure', 0)).toBe('moved');
    expect(slot.acquire(0)).toBe(-9);
    expect(other.breakers.take(options).index).toBe(slot.index + 1);
  });

  it('an instance neither writes over the memory nor brings state of its own', () => {
    const core = Core.create();
    const before = Buffer.from(new Uint8Array(core.share.memory.buffer));
    Core.attach(core.share.memory, core.share.module);
    expect(Buffer.from(new Uint8Array(core.share.memory.buffer)).equals(before)).toBe(true);
  });

  it('refuses a memory that is not one of its own', () => {
    const { module } = Core.create().share;
    const empty = new WebAssembly.Memory({ initial: 136, maximum: 136, shared: true });
    expect(() => Core.attach(empty, module)).toThrow('the memory has layout 0');
    const small = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    expect(() => Core.attach(small, module)).toThrow();
  });

  it('stops at an impossible record instead of scoring it', () => {
    const core = Core.create();
    const { SLAB, RECORD_SEVERITY, RECORD_CPU } = core.layout;
    const view = new DataView(core.share.memory.buffer);
    view.setUint32(SLAB + RECORD_SEVERITY, 6, true);
    expect(() => core.slab.score(0, 1)).toThrow(
      'the hot core stopped at an assertion: a record holds an impossible input',
    );
    view.setUint32(SLAB + RECORD_SEVERITY, 0, true);
    view.setFloat64(SLAB + RECORD_CPU, Number.NaN, true);
    expect(() => core.slab.score(0, 1)).toThrow('a result is out of its bounds');
  });

  it('has no data segments, so instances cannot overwrite each other', () => {
    // Sections of a module: one byte of id, then the size in LEB128. 11 is data, 8 the start function.
    const ids: number[] = [];
    for (let at = 8; at < bytes.length; ) {
      ids.push(bytes[at++] as number);
      let size = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = bytes[at++] as number;
        size |= (byte & 127) << shift;
        if (byte < 128) break;
      }
      at += size;
    }
    expect(ids).toContain(10);
    expect(ids).not.toContain(11);
    expect(ids).not.toContain(8);
  });

  it('is built twice to the same bytes, whatever the folder of the sources', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'arkalia-core-'));
    try {
      cpSync('core-wasm/assembly', join(folder, 'elsewhere/assembly'), { recursive: true });
      cpSync('core-wasm/asconfig.json', join(folder, 'elsewhere/asconfig.json'));
      const compiler = resolve('node_modules/assemblyscript/bin/asc.js');
      const build = async (sources: string, name: string) => {
        const out = join(folder, name);
        const config = ['--config', join(sources, 'asconfig.json'), '--target', 'release', '--outFile', out];
        await promisify(execFile)(process.execPath, [
          compiler,
          join(sources, 'assembly/index.ts'),
          ...config,
        ]);
        return createHash('sha256').update(readFileSync(out)).digest('hex');
      };
      const builds = [build('core-wasm', 'first.wasm'), build(join(folder, 'elsewhere'), 'second.wasm')];
      expect(await Promise.all(builds)).toEqual([sha256, sha256]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Check, DoctorContext, Finding } from './finding.js';

const timeoutMs = 30_000;

/** Whether node-llama-cpp, which is optional, loads its native library. In a process of its own: a native fault ends that one only. */
export const llamaCheck: Check = {
  name: 'node-llama-cpp',
  run: async (context) => [await tryLlama(context)],
};

async function tryLlama({ config }: DoctorContext): Promise<Finding> {
  const check = 'node-llama-cpp';
  if (config.ok && !config.loaded.config.engines.order.includes('embedded')) {
    return { check, level: 'ok', found: 'not needed: embedded is not in engines.order' };
  }
  if (!isInstalled()) {
    return {
      check,
      level: 'warning',
      found: 'not installed, so GGUF files cannot be run inside the appliance',
      todo: 'Run npm ci without --omit=optional, or use Ollama or llama.cpp.',
    };
  }
  const fault = await runProbe();
  if (fault === undefined) return { check, level: 'ok', found: 'its native library loads' };
  return {
    check,
    level: 'warning',
    found: `its native library does not load (${fault})`,
    todo: 'It needs glibc 2.34 (Debian 12) or macOS 13 and later. Ollama and llama.cpp work without it.',
  };
}

function isInstalled(): boolean {
  const folders = createRequire(import.meta.url).resolve.paths('node-llama-cpp') ?? [];
  return folders.some((folder) => existsSync(join(folder, 'node-llama-cpp/package.json')));
}

/** Undefined when it went well, else what happened, in words. */
function runProbe(): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const probe = fileURLToPath(new URL('./llama-probe.js', import.meta.url));
    const child = spawn(process.execPath, [probe], {
      stdio: 'ignore',
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0) resolve(undefined);
      else resolve(signal === null ? `exit code ${code}` : `signal ${signal}`);
    });
  });
}

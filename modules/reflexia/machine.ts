import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import os from 'node:os';
import { promisify } from 'node:util';
import type { Machine } from './sensors/sensor.js';

const COMMAND_TIMEOUT_MS = 800;
const COMMAND_OUTPUT_BYTES_MAX = 65_536;
const execute = promisify(execFile);

/** The machine that we run on. */
export const thisMachine: Machine = {
  platform: process.platform,
  readText: (path, signal) => readFile(path, { encoding: 'utf8', signal }),
  list: (path) => readdir(path),
  run: async (command, args, signal) => {
    const { stdout } = await execute(command, args, {
      signal,
      timeout: COMMAND_TIMEOUT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: COMMAND_OUTPUT_BYTES_MAX,
      encoding: 'utf8',
    });
    return stdout;
  },
  coreTimes: () =>
    os.cpus().map(({ times }) => {
      const busy = times.user + times.nice + times.sys + times.irq;
      return { busy, total: busy + times.idle };
    }),
  totalMemoryBytes: () => os.totalmem(),
};

import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { connect, type NetConnectOpts } from 'node:net';
import type { EscapePlan } from './plan.js';

/**
 * Started once under the limits of a worker, without Node's permission model: tries what a worker must not be able to do, one thing
 * after another, each bounded, and says on descriptor 3 what came of it, a line each. What it says is checked from outside.
 */

const plan = JSON.parse(process.argv[2] ?? '') as EscapePlan;
const socketMs = 1000;
const settleMs = 50;
const processMs = 1500;
const processSeconds = 5;
const allocationBytes = 16_777_216;
const allocationPauseMs = 15;

const say = (attempt: string, done: boolean, how: string): void => {
  writeSync(3, `${JSON.stringify({ attempt, done, how })}\n`);
};
const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'failed';

/** Reads the first byte, which is thrown away. */
function read(attempt: string, file: string): void {
  try {
    const handle = openSync(file, 'r');
    const bytes = readSync(handle, Buffer.alloc(1), 0, 1, 0);
    closeSync(handle);
    say(attempt, bytes > 0, bytes > 0 ? 'read' : 'empty');
  } catch (error) {
    say(attempt, false, codeOf(error));
  }
}

function environment(): void {
  const own = Object.keys(process.env).filter((name) => name !== '__CF_USER_TEXT_ENCODING');
  if (own.length > 0) say('environment', true, 'its own is not empty');
  else read('environment', `/proc/${plan.serverPid}/environ`);
}

function reach(attempt: string, to: NetConnectOpts): Promise<void> {
  return new Promise((resolve) => {
    const settle = (done: boolean, how: string) => {
      clearTimeout(late);
      socket.destroy();
      say(attempt, done, how);
      resolve();
    };
    const socket = connect(to);
    const late = setTimeout(() => settle(false, 'no answer'), socketMs);
    socket.once('connect', () => settle(true, 'connected'));
    socket.once('error', (error) => settle(false, codeOf(error)));
  });
}

function datagram(): Promise<void> {
  return new Promise((resolve) => {
    const settle = (done: boolean, how: string) => {
      say('udp', done, how);
      resolve();
    };
    const socket = createSocket('udp4');
    socket.once('error', (error) => settle(false, codeOf(error)));
    socket.send('probe', plan.udpPort, '127.0.0.1', (error) => {
      socket.close();
      settle(error === null, error === null ? 'sent' : codeOf(error));
    });
  });
}

/** The files stay empty; whether they are there is seen from outside, where they are removed. */
function write(): void {
  let code = '';
  for (const file of plan.writes)
    try {
      closeSync(openSync(file, 'wx'));
    } catch (error) {
      code = codeOf(error);
    }
  say('write_outside', code === '', code || 'written');
}

/** Starts a process that does nothing and ends by itself after some seconds; undefined when it cannot be had, with the error's name. */
function startOne(onError: (code: string) => void): ChildProcess | undefined {
  try {
    const child = spawn('/bin/sh', ['-c', `exec sleep ${processSeconds}`], { stdio: 'ignore' });
    child.on('error', (error) => onError(codeOf(error)));
    return child;
  } catch (error) {
    onError(codeOf(error));
    return undefined;
  }
}

/** At most as many processes as are to be had, each of which is ended. */
async function fork(): Promise<void> {
  let code = 'refused';
  const children = Array.from({ length: plan.processes }, () =>
    startOne((found) => {
      code = found;
    }),
  );
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  const running = children.filter((child) => child?.pid !== undefined && child.exitCode === null);
  const gone = running.map((child) => new Promise((resolve) => child?.once('exit', resolve)));
  for (const child of running) child?.kill('SIGKILL');
  await Promise.race([Promise.all(gone), new Promise((resolve) => setTimeout(resolve, processMs))]);
  const done = running.length >= plan.processes;
  say('fork', done, `${running.length} of ${plan.processes}${done ? '' : ` (${code})`}`);
}

/** In steps with pauses, so that a watch from outside has its chance. */
async function allocate(): Promise<void> {
  const held: Buffer[] = [];
  try {
    for (let bytes = 0; bytes < plan.allocateBytes; bytes += allocationBytes) {
      held.push(Buffer.alloc(allocationBytes, 1));
      await new Promise((resolve) => setTimeout(resolve, allocationPauseMs));
    }
    say('allocate', held.length > 0, 'allocated');
  } catch (error) {
    say('allocate', false, codeOf(error));
  }
}

read('read_shadow', plan.files.shadow);
read('read_ledger', plan.files.ledger);
read('read_keys', plan.files.keys);
environment();
await reach('tcp', { host: '127.0.0.1', port: plan.tcpPort });
await datagram();
await reach('unix_socket', { path: plan.unixPath });
await reach('model_server', plan.modelServer);
write();
await fork();
await allocate();

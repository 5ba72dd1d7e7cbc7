import { expect, test } from 'vitest';
import { otherKeeper } from './serve-keeper.js';

const nowhere = { env: {}, pid: 4711, exists: () => false };

test.each([
  ['a terminal', {}, undefined],
  ['a unit with Type=notify', { env: { NOTIFY_SOCKET: '/run/systemd/notify' } }, 'systemd'],
  ['any other unit', { env: { SYSTEMD_EXEC_PID: '4711', INVOCATION_ID: 'x' } }, 'systemd'],
  ['a terminal that a unit started', { env: { SYSTEMD_EXEC_PID: '12', INVOCATION_ID: 'x' } }, undefined],
  ['the first process of a container', { pid: 1 }, 'container'],
  ['Docker', { exists: (path: string) => path === '/.dockerenv' }, 'container'],
  ['podman', { env: { container: 'podman' } }, 'container'],
  ['Kubernetes', { env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' } }, 'container'],
])('%s', (_name, surroundings, expected) => {
  expect(otherKeeper({ ...nowhere, ...surroundings })).toBe(expected);
});

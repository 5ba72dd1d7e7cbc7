import type { Check } from './finding.js';

/** Node's version, and whether this is a platform that the appliance is meant for. */
export const nodeCheck: Check = {
  name: 'node',
  run: () => {
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
    const found = `Node ${process.versions.node} on ${process.platform}-${process.arch}`;
    if (major < 20 || (major === 20 && minor < 19)) {
      return [{ check: 'node', level: 'fatal', found, todo: 'Install Node 20.19 or later.' }];
    }
    if (process.platform !== 'linux' && process.platform !== 'darwin') {
      return [
        { check: 'node', level: 'warning', found, todo: 'Made for Linux and macOS; expect gaps here.' },
      ];
    }
    return [{ check: 'node', level: 'ok', found }];
  },
};

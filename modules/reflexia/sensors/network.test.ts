import { expect, test } from 'vitest';
import { macos, pi4, pi5, x86Virtual } from '../fixtures/devices.js';
import { type FakeMachine, fakeMachine } from '../fixtures/machine.js';
import { appleSiliconIfconfig } from '../fixtures/recorded.js';
import { networkSensor } from './network.js';

const signal = new AbortController().signal;
const read = (device: FakeMachine) => networkSensor(fakeMachine(device)).read(signal);
const linux = (files: Record<string, string>): FakeMachine => ({ platform: 'linux', files });

test.each([
  ['wireless only', pi4, true],
  ['wired', pi5, true],
  ['virtual x86', x86Virtual, true],
  [
    'a driver that does not tell its state, with a carrier',
    linux({ '/sys/class/net/eth0/operstate': 'unknown\n', '/sys/class/net/eth0/carrier': '1\n' }),
    true,
  ],
  ['macOS: one of its interfaces is active', macos, true],
  ['unplugged', linux({ '/sys/class/net/eth0/operstate': 'down\n' }), false],
  [
    'unplugged, with bridges and tunnels inside',
    linux({
      '/sys/class/net/eth0/operstate': 'lowerlayerdown\n',
      '/sys/class/net/docker0/operstate': 'up\n',
      '/sys/class/net/wg0/operstate': 'unknown\n',
      '/sys/class/net/wg0/carrier': '1\n',
    }),
    false,
  ],
  [
    'does not tell, without a carrier',
    linux({ '/sys/class/net/eth0/operstate': 'unknown\n', '/sys/class/net/eth0/carrier': '0\n' }),
    false,
  ],
  ['loopback alone is no network at all', linux({ '/sys/class/net/lo/operstate': 'unknown\n' }), undefined],
])('%s', async (_name, device, expected) => {
  expect(await read(device)).toBe(expected);
});

test('a Mac none of whose links is active', async () => {
  const commands = { '/sbin/ifconfig': appleSiliconIfconfig };
  expect(await read({ platform: 'darwin', commands })).toBe(false);
});

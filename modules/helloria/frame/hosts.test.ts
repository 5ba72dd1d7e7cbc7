import { expect, test } from 'vitest';
import { createHostCheck, hostName, isLoopbackAddress, isLoopbackName } from './hosts.js';

test.each([
  ['localhost:8000', 'localhost'],
  ['LOCALHOST', 'localhost'],
  ['127.0.0.1:8000', '127.0.0.1'],
  ['[::1]:8000', '[::1]'],
  ['pi.home.', 'pi.home'],
  ['evil.example:80:90', null],
  ['user@localhost', null],
  ['localhost/..', null],
  ['', null],
])('the name in %j is %j', (authority, name) => {
  expect(hostName(authority)).toBe(name);
});

test.each(['localhost', 'a.localhost', '[::1]', '127.0.0.1', '127.255.0.9'])('%s is loopback', (name) => {
  expect(isLoopbackName(name)).toBe(true);
});

test.each(['127.0.0.1.evil.example', '127.1', 'localhost.evil.example', '128.0.0.1', '127.0.0.256', '[::2]'])(
  '%s is not loopback',
  (name) => {
    expect(isLoopbackName(name)).toBe(false);
  },
);

test.each([
  ['127.0.0.1', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['192.168.1.4', false],
  [undefined, false],
])('the peer %s is this machine: %s', (address, expected) => {
  expect(isLoopbackAddress(address)).toBe(expected);
});

test('loopback, own addresses and configured names are answered, nothing else', () => {
  const check = createHostCheck({
    allowedHosts: ['Pi.Home'],
    now: () => 0,
    addresses: () => new Set(['192.168.1.4', '[fe80::1]']),
  });
  for (const host of ['localhost:8000', '192.168.1.4:8000', '[fe80::1]:8000', 'pi.home:8000'])
    expect(check(host)).toBe(true);
  for (const host of ['attacker.example', '192.168.1.5:8000', undefined, '']) expect(check(host)).toBe(false);
});

test('an address that appears later is seen, and asking costs one look in five seconds', () => {
  let time = 0;
  let looks = 0;
  const addresses = new Set<string>();
  const check = createHostCheck({
    allowedHosts: [],
    now: () => time,
    addresses: () => {
      looks += 1;
      return addresses;
    },
  });
  addresses.delete('10.0.0.2');
  expect(check('10.0.0.2')).toBe(false);
  addresses.add('10.0.0.3');
  time = 6000;
  expect(check('10.0.0.3')).toBe(true);
  for (let i = 0; i < 100; i++) check('10.0.0.9');
  expect(looks).toBe(2);
});

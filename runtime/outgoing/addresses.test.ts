import fc from 'fast-check';
import { expect, test } from 'vitest';
import { whyNotPublic } from './addresses.js';

test.each([
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['0.0.0.0', 'this host'],
  ['10.1.2.3', 'private'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.1.1', 'private'],
  ['169.254.169.254', 'link-local'],
  ['100.64.0.1', 'shared by carriers'],
  ['100.127.255.255', 'shared by carriers'],
  ['224.0.0.251', 'multicast'],
  ['239.255.255.250', 'multicast'],
  ['255.255.255.255', 'reserved'],
  ['::', 'reserved'],
  ['::1', 'loopback'],
  ['::127.0.0.1', 'reserved'],
  ['::ffff:127.0.0.1', 'IPv4 in another form'],
  ['::ffff:8.8.8.8', 'IPv4 in another form'],
  ['64:ff9b::7f00:1', 'IPv4 in another form'],
  ['64:ff9b:1::a00:1', 'IPv4 in another form'],
  ['fc00::1', 'private'],
  ['fd00:ec2::254', 'private'],
  ['fe80::1', 'link-local'],
  ['fec0::1', 'reserved'],
  ['ff02::1', 'multicast'],
  ['2001::1', 'reserved'],
  ['2001:db8::1', 'documentation'],
  ['2002:7f00:1::', 'a relay'],
  ['4000::1', 'reserved'],
])('%s is not public: %s', (address, what) => {
  expect(whyNotPublic(address)).toBe(what);
});

test.each([
  '8.8.8.8',
  '172.15.255.255',
  '172.32.0.1',
  '100.63.255.255',
  '100.128.0.0',
  '126.0.0.1',
  '128.0.0.1',
])('%s is public', (address) => expect(whyNotPublic(address)).toBeUndefined());

test.each(['2600::1', '2a00:1450:4001::1', '2001:4860:4860::8888', '3ffe::1'])('%s is public', (address) =>
  expect(whyNotPublic(address)).toBeUndefined(),
);

test('no IPv4 address becomes public by being written as IPv6', () => {
  fc.assert(
    fc.property(
      fc.ipV4(),
      fc.constantFrom('::', '::ffff:', '::ffff:0:', '64:ff9b::', 'fe80::'),
      (v4, before) => {
        expect(whyNotPublic(before + v4)).toBeDefined();
      },
    ),
  );
});

test('what is no address is not judged', () => {
  expect(() => whyNotPublic('localhost')).toThrow(RangeError);
});

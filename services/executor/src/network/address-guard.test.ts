import { describe, expect, test } from 'vitest';
import { createAddressGuard } from './address-guard.ts';

describe('addresses', () => {
  const publicOnly = createAddressGuard([]);

  test.each(['8.8.8.8', '93.184.216.34', '2606:4700::1111', '::ffff:8.8.8.8'])('%s is public', (address) => {
    expect(publicOnly(address)).toBe(true);
  });

  test.each([
    '127.0.0.1',
    '127.255.255.254',
    '0.0.0.0',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '198.18.0.1',
    '192.0.2.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'fe80::1%eth0',
    'fc00::1',
    'fd12:3456::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '::127.0.0.1',
    '10.1',
    '::ffff:a9fe:a9fe',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001:db8::1',
    '',
    'localhost',
  ])('%s is refused', (address) => {
    expect(publicOnly(address)).toBe(false);
  });

  test('ranges and single addresses can be allowed, and allow no more', () => {
    const guard = createAddressGuard(['10.1.0.0/16', '::1', '127.0.0.1']);
    expect(['10.1.2.3', '::1', '127.0.0.1', '::ffff:10.1.2.3'].map(guard)).toEqual([true, true, true, true]);
    expect(['10.2.0.1', '::2', '127.0.0.2', 'fe80::1'].map(guard)).toEqual([false, false, false, false]);
  });

  test.each(['', '10.0.0.0/33', 'example.org', '10.0.0'])('%j is no range', (text) => {
    expect(() => createAddressGuard([text])).toThrow(TypeError);
  });
});

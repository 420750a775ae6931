import { describe, expect, it } from 'vitest';
import { readConfiguration, usage } from './configuration.ts';

const messageOf = (flags: string[]) => {
  const result = readConfiguration(flags, {});
  return result.ok ? '' : result.message;
};

describe('the configuration', () => {
  it('has defaults for everything', () => {
    const result = readConfiguration([], {});
    expect(result).toMatchObject({
      ok: true,
      configuration: {
        host: '127.0.0.1',
        grpcPort: 7420,
        httpPort: 7421,
        natsServers: [],
        natsHost: '127.0.0.1',
        allowedHosts: [],
        leaseDurationMs: 15_000,
        maxStoredPayloadBytes: 67_108_864,
        payloadGraceMs: 86_400_000,
        shutdownGraceMs: 25_000,
      },
    });
  });

  it('takes flags before the environment', () => {
    const environment = {
      TUTTI_GRPC_PORT: '1',
      TUTTI_HTTP_PORT: '2',
      TUTTI_NATS_URL: 'nats://a:1, nats://b:2',
    };
    expect(readConfiguration(['--grpc-port', '0'], environment)).toMatchObject({
      configuration: { grpcPort: 0, httpPort: 2, natsServers: ['nats://a:1', 'nats://b:2'] },
    });
  });

  it.each([
    'notaurl://',
    'http://a:4222',
    'nats://',
    'nats://a:70000',
    'nats://a/b',
    'a b',
    'nats://a,nope://b',
  ])('refuses --nats %s, which nobody could ever reach', (url) => {
    expect(messageOf(['--nats', url])).toMatch(/^--nats is '.+': give servers such as nats:\/\/127/);
  });

  it('does not repeat the password of a wrong --nats', () => {
    expect(messageOf(['--nats', 'nope://me:secret@a:1'])).toContain("'nope://***@a:1'");
  });

  it.each(['nats://a:4222', 'tls://me:secret@a.example', 'localhost:4222', 'a', '[::1]:4222'])(
    'takes --nats %s',
    (url) => {
      expect(readConfiguration(['--nats', url], {})).toMatchObject({ configuration: { natsServers: [url] } });
    },
  );

  it('opens the nats-server beside it to other machines only if that is said (it has no credentials)', () => {
    expect(readConfiguration(['--host', '0.0.0.0'], {})).toMatchObject({
      configuration: { host: '0.0.0.0', natsHost: '127.0.0.1' },
    });
    expect(readConfiguration(['--nats-host', '0.0.0.0'], {})).toMatchObject({
      configuration: { host: '127.0.0.1', natsHost: '0.0.0.0' },
    });
  });

  it('says which flag is wrong, its value and what is allowed', () => {
    expect(messageOf(['--grpc-port', '-1'])).toMatch(/grpc-port/);
    expect(messageOf(['--grpc-port', '70000'])).toBe(
      "--grpc-port is '70000': give a whole number from 0 to 65535",
    );
    expect(messageOf(['--log-level', 'loud'])).toMatch(/--log-level is 'loud': give one of trace, debug/);
    expect(messageOf(['--shutdown-grace-ms', '999'])).toBe(
      "--shutdown-grace-ms is '999': give a whole number from 1000 to 3600000",
    );
    expect(messageOf(['--nonsense'])).toMatch(/nonsense/);
  });

  it('explains itself', () => {
    expect(usage()).toMatch(/--lease-duration-ms .*TUTTI_LEASE_DURATION_MS/);
  });
});

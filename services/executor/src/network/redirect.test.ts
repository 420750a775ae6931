import { expect, test } from 'vitest';
import { followRedirect, type Hop } from './redirect.ts';

const hop: Hop = {
  url: new URL('https://a.example/start?x=1'),
  method: 'POST',
  headers: { Authorization: 'Bearer t', cookie: 'c', 'Content-Type': 'text/plain', accept: '*/*' },
  body: 'data',
};

test('307 and 308 keep method and body; credentials stay with their origin', () => {
  expect(followRedirect(hop, 308, '/next')).toEqual({ ...hop, url: new URL('https://a.example/next') });
  for (const elsewhere of [
    'https://b.example/',
    'http://a.example/',
    'https://a.example:444/',
    '//b.example/',
  ]) {
    expect(followRedirect(hop, 307, elsewhere)).toMatchObject({
      method: 'POST',
      body: 'data',
      headers: { 'Content-Type': 'text/plain', accept: '*/*' },
    });
    expect(followRedirect(hop, 307, elsewhere)?.headers).not.toHaveProperty('Authorization');
    expect(followRedirect(hop, 307, elsewhere)?.headers).not.toHaveProperty('cookie');
  }
});

test('301, 302 and 303 turn a POST into a GET without a body', () => {
  for (const status of [301, 302, 303]) {
    const next = followRedirect(hop, status, '/next');
    expect(next).toMatchObject({ method: 'GET', body: undefined });
    expect(next?.headers).not.toHaveProperty('Content-Type');
  }
  expect(followRedirect({ ...hop, method: 'PUT' }, 302, '/next')).toMatchObject({
    method: 'PUT',
    body: 'data',
  });
  expect(followRedirect({ ...hop, method: 'HEAD', body: undefined }, 303, '/next')).toMatchObject({
    method: 'HEAD',
  });
});

test.each(['file:///etc/passwd', 'ftp://a.example/', 'javascript:alert(1)', 'http://['])(
  '%s leads nowhere',
  (location) => {
    expect(followRedirect(hop, 302, location)).toBeUndefined();
  },
);

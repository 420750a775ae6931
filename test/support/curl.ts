// What does a person with curl get? One POST or GET by the program itself, no client library at all.

import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface CurlAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
  json(): unknown;
}

export interface CurlRequest {
  /** With a body it is a POST, without one a GET. */
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

const TIMEOUT_S = 30;
/** What --write-out appends to standard error, apart from the body. */
const WRITE_OUT = '%{stderr}%{http_code} %{content_type}';

export async function curl(url: string, { body, headers = {} }: CurlRequest = {}): Promise<CurlAnswer> {
  const args = ['--silent', '--max-time', String(TIMEOUT_S), '--write-out', WRITE_OUT];
  for (const [name, value] of Object.entries(headers)) args.push('--header', `${name}: ${value}`);
  if (body !== undefined) args.push('--data-binary', '@-');
  const child = spawn('curl', [...args, url], { stdio: 'pipe' });
  const out: Buffer[] = [];
  const told: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => told.push(chunk));
  // The server may answer and close before it has read all.
  child.stdin.on('error', () => {});
  child.stdin.end(body);
  const [code] = (await once(child, 'close')) as [number | null];
  const said = Buffer.concat(told).toString();
  if (code !== 0) throw new Error(`curl ${url} ended with ${code}: ${said}`);
  const [status = '', ...contentType] = said.split(' ');
  const answer = Buffer.concat(out);
  return {
    status: Number(status),
    contentType: contentType.join(' '),
    body: answer,
    json: () => JSON.parse(answer.toString()),
  };
}

export function postJson(url: string, message: unknown): Promise<CurlAnswer> {
  return curl(url, { body: JSON.stringify(message), headers: { 'content-type': 'application/json' } });
}

// Every file of transcripts/ is played to a fresh engine. `UPDATE_TRANSCRIPTS=1` writes what the
// engine says into the files, for a person to read before committing.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createExpressionCompiler } from '../expressions/compiler.ts';
import { createTranscript } from './transcript.ts';

const FOLDER = new URL('./transcripts/', import.meta.url);

interface Block {
  readonly comment: string;
  readonly command: string;
  readonly expected: string;
}

function parse(text: string): readonly Block[] {
  return text
    .trim()
    .split(/\n\n+/)
    .map((block) => {
      const lines = block.split('\n');
      const comment = lines.filter((line) => line.startsWith('#')).join('\n');
      const [command = '', expected = ''] = lines
        .filter((line) => !line.startsWith('#'))
        .join('\n')
        .split(/\n?----\n?/);
      return { comment, command, expected: expected.trimEnd() };
    });
}

function print(block: Block, output: string): string {
  return `${block.comment === '' ? '' : `${block.comment}\n`}${block.command}\n----\n${output}`;
}

describe('the engine says what its transcripts say', () => {
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.txt'))) {
    it(file, () => {
      const url = new URL(file, FOLDER);
      const transcript = createTranscript(createExpressionCompiler());
      const blocks = parse(readFileSync(url, 'utf8')).filter((block) => block.command !== '');
      const played = blocks.map((block) => ({ block, output: transcript.run(block.command) }));
      if (process.env.UPDATE_TRANSCRIPTS === '1') {
        writeFileSync(url, `${played.map(({ block, output }) => print(block, output)).join('\n\n')}\n`);
        return;
      }
      for (const { block, output } of played) expect(print(block, output)).toBe(print(block, block.expected));
    });
  }
});

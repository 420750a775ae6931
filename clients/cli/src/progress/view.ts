// Where and how often is progress shown?

import type { Output, Sink } from '../output.ts';
import { type Counts, renderBarLine, renderPlainLine } from './line.ts';

export interface ProgressView {
  /** How often new counts are worth asking for. */
  readonly intervalMs: number;
  show(runId: string, counts: Counts): void;
  /** A remark in the place of the progress, for example that the connection is lost. */
  remark(text: string): void;
  /** A remark that stays. */
  note(text: string): void;
  /** Leaves the place clean for what is printed next. */
  end(): void;
}

const barIntervalMs = 200;
const linesIntervalMs = 1_000;
/** Without a view only the end matters; the orchestrator answers at that moment. */
const silentIntervalMs = 30_000;
const defaultColumns = 80;

/**
 * As text: a bar on a terminal, lines elsewhere. With `-o json`, where stdout belongs to the result:
 * a bar if stderr is a terminal, else nothing.
 */
export function createProgressView(output: Output): ProgressView {
  const sink = output.format === 'text' ? output.stdout : output.stderr;
  if (sink.isTTY === true) return createBar(sink);
  return output.format === 'text' ? createLines(output) : silent;
}

const silent: ProgressView = { intervalMs: silentIntervalMs, show() {}, remark() {}, note() {}, end() {} };

function createBar(sink: Sink): ProgressView {
  // A terminal that does not know its size says 0.
  const columns = (): number => sink.columns || defaultColumns;
  const clearLine = '\r\x1b[2K';
  let isDrawn = false;
  const draw = (text: string): void => {
    sink.write(`${clearLine}${text}`);
    isDrawn = true;
  };
  return {
    intervalMs: barIntervalMs,
    show: (_, counts) => draw(renderBarLine(counts, columns())),
    remark: (text) => draw(text.slice(0, columns() - 1)),
    // The bar is drawn again in the next line.
    note: (text) => sink.write(`${clearLine}${text}\n`),
    end() {
      if (isDrawn) sink.write(clearLine);
      isDrawn = false;
    },
  };
}

function createLines(output: Output): ProgressView {
  let last = '';
  return {
    intervalMs: linesIntervalMs,
    show(runId, counts) {
      const line = renderPlainLine(runId, counts);
      if (line !== last) output.text(line);
      last = line;
    },
    remark: (text) => output.remark(text),
    note: (text) => output.remark(text),
    end() {},
  };
}

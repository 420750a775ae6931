// Which numbers of `/metrics` say most about one run?

/** The metrics that are shown, all counters or gauges without many labels. */
const shown = [
  'tutti_runs_submitted_total',
  'tutti_task_transitions_total',
  'tutti_commit_events_sum',
  'tutti_commit_events_count',
  'tutti_executors',
];
const maxLines = 12;
const timeoutMs = 5_000;

/** A few lines in the Prometheus form. Says so if they cannot be had. */
export async function readSomeMetrics(url: string): Promise<string[]> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const lines = (await response.text()).split('\n');
  return lines
    .filter((line) => shown.some((name) => new RegExp(`^${name}[ {]`).test(line)))
    .slice(0, maxLines);
}

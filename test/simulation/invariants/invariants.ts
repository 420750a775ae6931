// What do the eight promises (DESIGN section 2) come to, one by one? Each sentence is a check of the witness.

import type { InvariantId } from './violation.ts';

export const INVARIANTS: Readonly<Record<string, string>> = {
  'P1.1': 'When the answer to a submission leaves, its run is on disk, with the tasks that were submitted.',
  'P1.2': 'When the answer to any call with a request id leaves, that answer is on disk for repeats.',
  'P1.3':
    'When a report is answered with RECORDED, an end of its attempt that a report can have given is on disk.',
  'P1.4': 'When added tasks are acknowledged, each of them is on disk.',
  'P1.5': 'What was acknowledged is there in the end: each run until it is deleted, each answer for repeats.',
  'P2.1': 'The events of a namespace have the revisions 1, 2, 3, … without gaps, over all crashes.',
  'P2.2': 'Only the latest owner of a namespace writes; nobody writes with an epoch that is over.',
  'P2.3':
    'An event says what it is kept as: its revision, its run, its task; what it brings comes in the same commit.',
  'P2.4': 'Tasks move as the state diagram has it, and each event is about the present attempt.',
  'P2.5':
    'Runs move as the state diagram has it; in a final run nothing happens but that it is done again, in one that is archived nothing at all; and only final ones are archived or deleted.',
  'P2.6': 'After each commit, the rows of runs and tasks say what their events add up to.',
  'P2.7':
    'A request has its effect once, in the commit that keeps its answer, and nobody else has that effect.',
  'P2.8': 'The times of the events that a process writes do not go back.',
  'P2.9': 'In the end rows, events, and what replaying the events gives agree.',
  'P3.1':
    'Published events are durable, byte for byte, and each process publishes them in their order, once.',
  'P3.2': 'Assignments tell of durable leases, as they are, and reach their holder alone.',
  'P3.3': 'Who is told to stop or to keep an attempt holds its lease, and the reason to stop is durable.',
  'P3.4': 'Watched events are durable, byte for byte.',
  'P3.5': 'What an assignment shows of what its task depends on is what is durable of that.',
  'P4.1': 'No lease token is given twice.',
  'P4.2':
    'What an executor is to have said of an attempt was reported by the holder of its lease, to who wrote it down.',
  'P4.3': 'A session that nobody gave, or that another registration has replaced, is not heard.',
  'P4.4': 'The holder of a living lease is not told that it is over.',
  'P4.5':
    'A lease that has ended is never renewed, kept, or given again, and gives no right to add tasks; nor does that of another one.',
  'P4.6': 'A task never has two living leases.',
  'P4.7':
    'A holder whose outcome was taken is never told that it is stale, however often it reports it; nor is it forgotten over a restart while its run goes on.',
  'P4.8': 'Nobody but the holder of a lease is told that a report on it is recorded.',
  'P5.1': 'A task is READY, and starts, only while its join is met; what needs nothing is READY at once.',
  'P5.2':
    'Attempts stay within the limits of their round: those that count, the one of the fallback, the lost ones.',
  'P5.3': 'A task that was told to stop becomes CANCELLED and nothing else.',
  'P5.4': 'While a run is paused, nothing of it is started.',
  'P5.5':
    'A task is done again only where a re-run or a send-back in the same commit asks for it, or its next attempt has to wait for what is done again.',
  'P5.6': 'A run that is ending starts nothing but what undoes; it ends once all of its tasks are final.',
  'P5.7': 'A task is skipped, or failed for its dependencies, only where its join can no longer be met.',
  'P5.8': 'What waits for a moment is not READY before it.',
  'P5.9': 'Loops count their rounds without gaps, and stay within their limits.',
  'P5.10':
    'A child run begins in the commit in which the attempt that starts it does, and does not go on once that is over; the attempt completes only as it does.',
  'P5.11': 'Each signal ends one wait.',
  'P5.12': 'A task fails for want of attempts only where none is left.',
  'P5.13': 'What a task made for itself is over, or told to stop, once the attempt that it served is.',
  'P5.14': 'A run completes only where what failed was allowed to, or handled.',
  'P6.1': 'A watcher gets events in their order, each once, also over resumes.',
  'P6.2': 'A watcher misses nothing of what it watches, unless it was deleted.',
  'P6.3': 'A watcher of a run gets the events of that run alone.',
  'P6.4': 'How far a watcher is told to have come is not behind what it got, nor ahead of what is durable.',
  'P6.5': 'A stream that ends well has given the end of its run.',
  'P6.6': 'In the end each watcher has seen everything.',
  'P7.1': 'An executor never holds more leases than it has slots.',
  'P7.2': 'An executor never holds more leases of a capability than it takes at once.',
  'P7.3': 'Executors are given only what they have registered for, with the process that gives it.',
  'P7.4': 'An executor that drains or leaves is given nothing new.',
  'P7.5': 'No more tasks of a run are under way than its max_parallel allows.',
  'P7.6': 'No more items of a list are under way than its max_parallel allows.',
  'P8.0': 'Once everything is mended, everything comes to its end.',
  'P8.1': 'A lease is lost only after its time without a renewal, or where its holder registers without it.',
  'P8.2': 'A lease that nobody renews ends within its time, as soon as a process is well enough to notice.',
  'P8.3': 'No limit of time takes effect before its time.',
  'P8.4': 'In the end every run is final.',
  'P8.5': 'In the end the store has every event of every run that was not deleted, byte for byte.',
  'P8.6': 'Where a process is well, what is to end or to go on at a moment does so soon after it.',
  'D.1':
    'The orchestrator warns of failures of its store, and of no defect of its own; it starts where its store can be read.',
  'D.2': 'No call is answered with an exception.',
  'D.3': 'The witness can make sense of everything that it sees.',
  'D.4': 'The orchestrator stops when it is told to.',
} satisfies Partial<Record<InvariantId, string>>;

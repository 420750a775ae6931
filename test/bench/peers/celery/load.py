"""Submits to Celery what it is asked for in lines, and tells in lines what has ended. Ends when stdin ends.

many COUNT                  tasks whose results nobody wants   -> counted COUNT
known COUNT                 tasks whose ends are all known     -> counted 1, for each
run ID stamp                one task                           -> ended ID STARTED_AT_MS
run ID chain STEPS FIBO     one task after the other           -> ended ID 0
run ID fan WIDTH            one, then so many, then one        -> ended ID 0

Some threads submit, since each submission waits for its answer; another one receives results, as they come.
"""

import os
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from celery import chain, group, uuid
from redis import Redis

from app import REDIS, app, compute, noop, stamp

# A thread that asks `app` for it gets one of its own, of which the others do not hear.
BACKEND = app.backend
RESULTS = BACKEND.result_consumer
# Its connection is one for all threads.
SUBSCRIBING = threading.Lock()
# As many as Celery has connections to its broker by default (broker_pool_limit).
SUBMITTERS = 10
# On their way at once, where each end is waited for.
MOST_KNOWN = 2_000
# How often it looks whether anything is left.
LOOK_S = 0.005
# How long the worker may take to answer.
PATIENCE_S = 10


def main():
    answered = threading.Event()
    submit(noop.si(), lambda _: answered.set())
    threading.Thread(target=receive, daemon=True).start()
    if not answered.wait(PATIENCE_S):
        sys.exit("the worker does not answer")
    print("ready", flush=True)
    with ThreadPoolExecutor(SUBMITTERS) as submitters:
        for line in sys.stdin:
            what, *words = line.split()
            if what == "many":
                many(int(words[0]), submitters)
            elif what == "known":
                known(int(words[0]), submitters)
            else:
                submitters.submit(or_die, run, *words)


def or_die(work, *words):
    """A pool keeps errors to itself."""
    try:
        work(*words)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def receive():
    """Hands results to whoever asked for them with `then`, and never returns."""
    try:
        while True:
            try:
                RESULTS.drain_events(timeout=1)
            except TimeoutError:
                pass
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def run(number, kind, *words):
    if kind == "stamp":
        signature = stamp.si()
    elif kind == "chain":
        steps, n = map(int, words)
        signature = chain(*[compute.si(n) if n > 0 else noop.si() for _ in range(steps)])
    else:
        middle = group(noop.si() for _ in range(int(words[0])))
        signature = chain(noop.si(), middle, noop.si())
    submit(signature, lambda value: print("ended", number, value or 0, flush=True))


def submit(signature, ended):
    """The end is asked for before there can be one: none is missed."""
    task_id = uuid()

    def tell(result):
        if result.failed():
            print(result.traceback, file=sys.stderr)
            os._exit(1)
        ended(result.result)

    with SUBSCRIBING:
        app.AsyncResult(task_id, backend=BACKEND).then(tell)
    signature.apply_async(task_id=task_id)


def known(count, submitters):
    places = threading.Semaphore(MOST_KNOWN)

    def ended(_):
        places.release()
        print("counted 1", flush=True)

    for _ in range(count):
        places.acquire()
        submitters.submit(or_die, submit, noop.si(), ended)


def many(count, submitters):
    """Celery has no bulk call: connections that are kept, and results that are not."""
    broker = Redis.from_url(f"{REDIS}/0")
    wanted = begun() + count
    shares = [count // SUBMITTERS + (place < count % SUBMITTERS) for place in range(SUBMITTERS)]
    for pushed in [submitters.submit(or_die, push, share) for share in shares]:
        pushed.result()
    # On its way to the worker a message is in neither for a moment, and not begun either.
    while not (is_empty(broker) and begun() == wanted and is_empty(broker)):
        time.sleep(LOOK_S)
    print("counted", count, flush=True)


def push(count):
    with app.producer_pool.acquire(block=True) as producer:
        for _ in range(count):
            noop.apply_async(ignore_result=True, producer=producer)


def is_empty(broker):
    return broker.llen("celery") == 0 and broker.hlen("unacked") == 0


def begun():
    """How many no-ops the worker has taken so far, by its own statistics."""
    stats = app.control.inspect(timeout=PATIENCE_S, limit=1).stats() or {}
    return sum(worker["total"].get("app.noop", 0) for worker in stats.values())


main()

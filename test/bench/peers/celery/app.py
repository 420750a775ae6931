"""The application of the Celery peer: its settings and its tasks."""

import os
import time

from celery import Celery

REDIS = os.environ["BENCH_REDIS"]

app = Celery("app", broker=f"{REDIS}/0", backend=f"{REDIS}/1")
app.conf.update(
    # What a killed worker had begun is given out again, as with everybody else; at the defaults it is lost:
    # https://docs.celeryq.dev/en/stable/userguide/configuration.html#task-acks-late and #task-reject-on-worker-lost
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    # "If you have many short-running tasks ... Values like 50 or 150 might make sense":
    # https://docs.celeryq.dev/en/stable/userguide/optimizing.html#prefetch-limits
    worker_prefetch_multiplier=100,
    broker_connection_retry_on_startup=True,
)


@app.task
def noop() -> None:
    return None


@app.task
def stamp() -> float:
    """Tells when it began, in milliseconds of the machine's CLOCK_MONOTONIC."""
    return time.monotonic() * 1_000


@app.task
def compute(n: int) -> int:
    return fibo(n)


def fibo(n: int) -> int:
    return n if n < 2 else fibo(n - 1) + fibo(n - 2)

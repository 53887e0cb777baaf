"""Who does the work: processes on this machine, each a fresh one that reads strangers' traces and nothing else."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

_AHEAD = 2
"""Tasks that wait for a worker, for each of them: none idles, and a hundred thousand tasks are never held at once."""


def each[T, R](work: Callable[[T], R], tasks: Iterable[T], jobs: int) -> Iterator[R]:
    """What `work` makes of each task, in the tasks' order. With one job in this process. When the caller stops, or is
    interrupted, what waits is given up and what runs is waited for."""
    if jobs == 1:
        yield from map(work, tasks)
        return
    context = get_context("forkserver")
    context.set_forkserver_preload(["replay.batch.chunk", "replay.batch.shards"])
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin) as pool:
        waiting: deque[Future[R]] = deque()
        try:
            for task in tasks:
                waiting.append(pool.submit(work, task))
                if len(waiting) >= jobs * _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin() -> None:
    """^C is the caller's to handle: it gives up what waits."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

"""Run several generators in threads, for the synchronous client."""

import queue
import threading
from collections.abc import Callable, Generator, Sequence
from typing import Any

from broker_client.steps import Action

OneOfThem = Generator[Action, Any, Any]
Stopped = Callable[[], bool]


class Stop(BaseException):
    """Ends the other steps after one has failed. No step catches a BaseException."""


def together(
    run: Callable[[OneOfThem, Stopped], Any],
    steps: Sequence[OneOfThem],
    limit: int,
    stopped: Stopped,
) -> list[Any]:
    """Run the generators with `run`, at most `limit` at a time. Return their results.

    The first error stops the others and is raised.
    """
    if len(steps) == 1:
        return [run(steps[0], stopped)]
    stop = threading.Event()
    todo: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, Any, BaseException | None]] = queue.SimpleQueue()
    for index in range(len(steps)):
        todo.put(index)

    def stopping() -> bool:
        return stop.is_set() or stopped()

    def work() -> None:
        while True:
            try:
                index = todo.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((index, run(steps[index], stopping), None))
            except BaseException as error:  # raised in the calling thread
                done.put((index, None, error))

    # Daemon threads: after Ctrl-C the process does not wait for requests in progress.
    for _ in range(min(limit, len(steps))):
        threading.Thread(target=work, daemon=True).start()
    results: dict[int, Any] = {}
    first: BaseException | None = None
    try:
        for _ in steps:
            index, results[index], error = done.get()
            if error is not None:
                stop.set()
                first = first or error
    finally:
        stop.set()
    if first is not None:
        raise first
    return [results[index] for index in range(len(steps))]

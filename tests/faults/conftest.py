"""Fixtures for tests that kill processes."""

import multiprocessing
from collections.abc import Iterator

import pytest

from tests.faults import victim
from tests.faults.victims import Victims


@pytest.fixture(scope="session")
def victims() -> Iterator[Victims]:
    """Start the process that forks the victims, without the threads of this process."""
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    process = context.Process(target=victim.serve, args=(theirs,))
    process.start()
    theirs.close()
    try:
        yield Victims(ours)
    finally:
        ours.send(None)
        process.join(30)
        process.kill()
        process.close()
        ours.close()

"""Connections to the bucket that were open before a fork belong to the parent process."""

import os
import socket
import threading

import pytest

from broker.storage import bucket_connections
from tests.contract.raw_server import HEADERS, found_always, raw, to


def test_a_forked_process_uses_no_connection_of_its_parent() -> None:
    with raw(found_always) as server:
        connections = to(server)
        connections.head("/b/k", HEADERS, fresh=False)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = int(
                    connections.head("/b/of-the-child", HEADERS, fresh=False).status != 200
                )
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert server.accepted == 2
        connections.head("/b/k", HEADERS, fresh=False)
        assert server.accepted == 2


def test_no_thread_of_a_forked_process_is_faster_than_the_one_that_closes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    close, closing = bucket_connections._close, threading.Lock()

    with raw(found_always) as server:
        connections = to(server)

        def other_thread_first(idle: list[socket.socket]) -> None:
            if closing.acquire(blocking=False):
                other = threading.Thread(
                    target=connections.head, args=("/b/other", HEADERS), kwargs={"fresh": False}
                )
                other.start()
                other.join()
            close(idle)

        connections.head("/b/of-the-parent", HEADERS, fresh=False)
        monkeypatch.setattr(bucket_connections, "_close", other_thread_first)
        monkeypatch.setattr(connections, "_process", -1)
        connections.head("/b/k", HEADERS, fresh=False)
        assert closing.locked()
        # The parent's, and one of each thread.
        assert server.accepted == 3

"""How the benchmarks count CPU: exactly, and for the side that used it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import cast

import pytest

from benchmarks.bench import Bench
from benchmarks.blocks import WARM_BLOCKS, Side, in_turn
from benchmarks.plan import FULL
from benchmarks.processes import (
    cpu_seconds,
    cpu_seconds_of,
    parent_of,
    peak_resident_bytes,
    resident_bytes,
)
from benchmarks.rows import photo
from benchmarks.servers import Server

MILLISECONDS = 0.001
# In a thread that ends, as in a server that starts one for each connection.
SPINS_ON_DEMAND = """
import sys, threading, time

def spin():
    while time.thread_time() < 0.003:
        pass

print(flush=True)
for _ in sys.stdin:
    thread = threading.Thread(target=spin)
    thread.start()
    thread.join()
    print(flush=True)
"""
# The API and the bucket. A ticket takes 3 ms of CPU before its answer and 3 ms after it, which end
# before the photo has arrived; a confirm takes 8 ms.
SPINNING_API = """
import json, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

def spin(milliseconds):
    end = time.thread_time() + milliseconds / 1000
    while time.thread_time() < end:
        pass

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        is_ticket = self.path.endswith("/upload_image/")
        if self.path == "/bucket":
            ended.wait(10)
            ended.clear()
        spin(3 if is_ticket else 8 if self.path == "/confirm" else 0)
        url = f"http://127.0.0.1:{server.server_port}/bucket"
        ticket = {"upload": {"url": url, "fields": {}}, "confirm_url": "/confirm"}
        body = json.dumps(ticket).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        if is_ticket:
            spin(3)
            ended.set()

    def log_message(self, *_):
        pass

ended = threading.Event()
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextmanager
def _running(script: str) -> Iterator[subprocess.Popen[str]]:
    # Use a separate group, because processes of the tests' own group may end at any time.
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_the_cpu_of_a_process_is_counted_exactly_also_of_ended_threads() -> None:
    with _running(SPINS_ON_DEMAND) as process:
        assert process.stdin is not None
        _line(process)
        used = []
        for _ in range(10):
            before = cpu_seconds(process.pid)
            process.stdin.write("\n")
            process.stdin.flush()
            _line(process)
            used.append(cpu_seconds(process.pid) - before)
    # Hundredths of a second, which /proc/PID/stat has, would be 0 or 10 ms.
    assert all(3 * MILLISECONDS <= seconds < 9 * MILLISECONDS for seconds in used), used


def test_a_group_of_processes_has_cpu_and_memory_until_it_ends() -> None:
    with _running("sum(n * n for n in range(200_000)); print(flush=True); input()") as process:
        _line(process)
        assert cpu_seconds(process.pid) > 0
        assert resident_bytes(process.pid) > 1_000_000
        assert parent_of(process.pid) == os.getpid()
    assert cpu_seconds(process.pid) == 0


def test_ended_children_count_and_so_does_the_peak_of_the_memory() -> None:
    busy = "import time\nwhile time.process_time() < 0.2: pass"
    script = (
        "import subprocess, sys, time; bytearray(80_000_000);"
        f"subprocess.run([sys.executable, '-c', {busy!r}]);"
        "print(time.process_time(), flush=True); input()"
    )
    with _running(script) as process:
        own = float(_line(process))
        assert cpu_seconds_of([process.pid]) >= own + 0.19
        assert peak_resident_bytes(process.pid) > 80_000_000


def test_the_sides_of_one_process_are_called_in_blocks_in_turn() -> None:
    order = []

    def busy() -> None:
        order.append("busy")
        end = time.process_time() + 0.2 * MILLISECONDS
        while time.process_time() < end:
            pass

    sides = {"busy": Side(busy, 20), "idle": Side(lambda: order.append("idle"), 50)}
    found = in_turn(sides, blocks=2)
    assert order == (["busy"] * 20 + ["idle"] * 50) * (WARM_BLOCKS + 2)
    assert [len(values) for times in found.values() for values in times.values()] == [2] * 4
    assert min(found["busy"]["cpu"]) >= 0.2 * MILLISECONDS > 10 * min(found["idle"]["cpu"])
    assert min(found["busy"]["wall"]) >= 0.19 * MILLISECONDS > 10 * min(found["idle"]["wall"])


def test_a_ticket_costs_what_the_api_does_for_it_also_after_its_answer() -> None:
    photos = 5
    with _running(SPINNING_API) as process:
        port = int(_line(process))
        server = Server(name="api", port=port, group=process.pid)
        bench = SimpleNamespace(
            tokens=SimpleNamespace(of_ad=str), seaweedfs=SimpleNamespace(port=port)
        )

        def send(connection: int, count: int) -> float:
            return photo._ticketed(cast(Bench, bench), server, b"photo", count, ad=connection)

        measured = photo._measured(server, send, 1, photos)
    assert 6 * MILLISECONDS <= measured.ticket_cpu < 12 * MILLISECONDS
    assert measured.cpu >= measured.ticket_cpu + 8 * MILLISECONDS


@pytest.mark.parametrize("connections", [1, 8])
def test_a_round_sends_more_photos_by_ticket_because_each_takes_little_cpu(
    connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, int]] = []

    def measured(server: str, _sender: object, at: int, photos: int) -> photo.Photo:
        assert at == connections
        sent.append((server, photos))
        return photo.Photo(cpu=0.001, ticket_cpu=0.0, wall=0.1)

    monkeypatch.setattr(photo, "_measured", measured)
    bench = cast(Bench, SimpleNamespace(plan=FULL))
    photo._both(bench, cast(Server, "proxy"), cast(Server, "broker"), b"", connections)
    factor = 1 if connections == 1 else 2
    assert sent == [
        *[("proxy", 12 * factor), ("broker", 12 * factor)],
        *[("proxy", 12 * factor), ("broker", 40 * factor)] * FULL.rounds,
    ]


def test_what_the_api_does_for_a_photo_and_the_ticket_alone_have_targets() -> None:
    proxied = [photo.Photo(cpu=0.027, ticket_cpu=0.0, wall=0.1)]
    ticketed = [photo.Photo(cpu=0.0024, ticket_cpu=0.0014, wall=0.1)]
    verdicts = {
        (line.what.split(": ")[1], connections): line.verdict
        for connections, target in photo.SHARES.items()
        for line in photo._lines(proxied, ticketed, connections, target)
    }
    assert verdicts == {
        ("ticket and confirm", 1): "met",
        ("the ticket alone", 1): "missed",
        ("digest, ticket, form, confirm", 1): "",
        ("ticket and confirm", 8): "missed",
        ("digest, ticket, form, confirm", 8): "",
    }

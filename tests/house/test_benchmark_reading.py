"""The benchmarks' row `reading` compares servers that answer the same."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from benchmarks.databases import SqliteDatabase
from benchmarks.load.client import Client
from benchmarks.load.wrk import LoadFailed
from benchmarks.rows import reading
from benchmarks.servers import Server


class Answering(BaseHTTPRequestHandler):
    """Answers with the JSON of its server, and with 304 if it knows the ETag."""

    answer: ClassVar[bytes] = b""
    etag: ClassVar[str | None] = None

    def do_GET(self) -> None:
        known = self.etag is not None and self.headers["If-None-Match"] == self.etag
        self.send_response(304 if known else 200)
        if self.etag:
            self.send_header("ETag", self.etag)
        self.send_header("Content-Length", str(0 if known else len(self.answer)))
        self.end_headers()
        self.wfile.write(b"" if known else self.answer)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def answering(answer: bytes, etag: str | None = None) -> Iterator[Server]:
    handler = type("Handler", (Answering,), {"answer": answer, "etag": etag})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield Server(name="fake", port=server.server_port, group=0)
        server.shutdown()
        thread.join(timeout=10)


def test_peers_must_answer_with_the_same_json() -> None:
    with answering(b'{"a": 1, "b": 2}') as mine, answering(b'{"b": 2, "a": 1}') as same:
        reading.check_equal("/", {"broker": mine, "peer": same})
        with answering(b'{"a": 1}') as other, pytest.raises(LoadFailed, match="peer"):
            reading.check_equal("/", {"broker": mine, "peer": other})


def test_a_conditional_request_must_be_answered_with_304() -> None:
    with answering(b"{}", '"tag"') as server, Client(server.port) as client:
        assert client.entity_tag("/") == '"tag"'
    with (
        answering(b"{}") as server,
        Client(server.port) as client,
        pytest.raises(LoadFailed, match="ETag None"),
    ):
        client.entity_tag("/")


def test_the_newest_ads_have_variants_and_the_others_have_none(tmp_path: Path) -> None:
    SqliteDatabase(tmp_path, 1_000)
    with closing(sqlite3.connect(tmp_path / "uploads_1000.db")) as connection:
        rows = connection.execute(
            "SELECT owner_id, count(*) FROM images JOIN image_variants ON image_id = images.id"
            " GROUP BY owner_id"
        ).fetchall()
    assert {f"/api/ads/{ad}/" for ad, _ in rows} == set(reading.paths_with_variants(1_000))
    assert {count for _, count in rows} == {60}
    assert set(reading.paths(1_000)).isdisjoint(reading.paths_with_variants(1_000))
    assert len(reading.paths(1_000)) == 20

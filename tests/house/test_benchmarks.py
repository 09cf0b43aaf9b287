"""The benchmarks report their measurements correctly. These tests measure no time."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest

from benchmarks import seed_rows
from benchmarks.apps import stub_s3
from benchmarks.load.wrk import LoadFailed, RequestFile, parse
from benchmarks.requests import declared, raw
from benchmarks.rounds import Sample, Samples, Spread, interleave
from benchmarks.servers.command import command, production, two_workers
from benchmarks.simulated_year.__main__ import pruned, server
from benchmarks.simulated_year.rows import fill
from benchmarks.simulated_year.sizes import sizes
from broker.config import Settings
from broker.db.session import Database
from broker.storage.factory import s3_storage

ROOT = Path(__file__).parent.parent.parent
SUMMARY = (
    'SUMMARY {"requests":1500,"microseconds":3000000,"connect":0,"read":0,"write":0,'
    '"status":%d,"timeout":0,"p50":9000,"p99":21000}\n'
)


def test_what_wrk_says_is_read() -> None:
    sample = parse("Running 3s test\n" + SUMMARY % 0).sample(cpu_seconds=3.0)
    assert sample == Sample(rate=500.0, cpu=0.002, p50=0.009, p99=0.021, requests=1500)


def test_a_measurement_without_answers_is_an_error() -> None:
    nothing = parse((SUMMARY % 0).replace('"requests":1500', '"requests":0'))
    with pytest.raises(LoadFailed, match="no answers"):
        nothing.sample(cpu_seconds=3.0)


@pytest.mark.parametrize("output", [SUMMARY % 1, "", SUMMARY % 0 + SUMMARY % 0])
def test_a_run_of_wrk_with_any_failure_is_an_error(output: str) -> None:
    with pytest.raises(LoadFailed):
        parse(output)


def test_requests_for_wrk_are_whole_and_apart(tmp_path: Path) -> None:
    requests = [raw("GET", "/a"), raw("POST", "/b", token="t", body=declared())]
    file = RequestFile(tmp_path / "requests", requests)
    assert file.path.read_bytes().split(b"\0") == [*requests, b""]
    head, _, body = requests[1].partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head


def test_sides_are_measured_in_turn_and_compared_within_a_round() -> None:
    order: list[str] = []
    rates = iter([100.0, 50.0, 300.0, 100.0])

    class Fixed:
        def __init__(self, name: str) -> None:
            self.name = name

        def prepare(self) -> None:
            order.append(f"{self.name} prepares")

        def measure(self) -> Sample:
            order.append(self.name)
            return Sample(rate=next(rates), cpu=0.001, p50=0.001, p99=0.002, requests=10)

    samples: Samples = interleave([Fixed("a"), Fixed("b")], rounds=2)
    assert order == ["a prepares", "a", "b prepares", "b"] * 2
    assert samples.ratio("a", "b") == Spread(median=2.5, low=2.0, high=3.0)


def test_the_broker_is_started_as_its_image_starts_it_by_one_worker() -> None:
    argv = command(8123)
    assert argv[argv.index("--workers") + 1] == "1"
    assert argv[argv.index("--port") + 1] == "8123"
    assert argv[argv.index("--host") + 1] == "127.0.0.1"
    assert argv[-1] == "wsgi:app"
    pairs = zip(argv, two_workers(8123), strict=True)
    assert [pair for pair in pairs if len(set(pair)) > 1] == [("1", "2")]


def test_what_runs_the_server_is_not_measured(tmp_path: Path) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text('CMD ["old"]\nCMD ["broker", "serve", "--", "granian", "wsgi:app"]\n')
    assert production(dockerfile) == ["granian", "wsgi:app"]


def test_the_rows_that_tables_are_filled_with_fit_together() -> None:
    batches = list(seed_rows.seed_rows(100))
    by_table: dict[str, list[dict[str, object]]] = {}
    for batch in batches:
        rows = [dict(zip(batch.columns, row, strict=True)) for row in batch.rows]
        by_table.setdefault(batch.table, []).extend(rows)
    uploads, images = by_table["uploads"], by_table["images"]
    assert len(uploads) == 100
    assert len({row["key"] for row in uploads}) == 100
    assert {row["upload_id"] for row in images} == {
        row["id"] for row in uploads if row["state"] == "confirmed"
    }
    assert {row["owner_id"] for row in uploads} <= {row["id"] for row in by_table["ads"]}
    assert {row["owner_id"] for row in by_table["ads"]} <= {row["id"] for row in by_table["users"]}


def test_the_stub_answers_for_an_upload_as_its_key_says() -> None:
    _batch, (upload_id,) = seed_rows.pending(1)
    key = f"/media-bucket/media/ads/ad_1/main_{upload_id}-5.jpg"
    answer = stub_s3.answer(f"HEAD {key} HTTP/1.1\r\nHost: x".encode()).decode()
    assert "Content-Length: 5\r\n" in answer
    assert f"x-amz-meta-upload-id: {upload_id}\r\n" in answer


@pytest.fixture
def stub_url() -> Iterator[str]:
    connections: list[stub_s3.StubS3] = []

    def connection() -> stub_s3.StubS3:
        connections.append(stub_s3.StubS3())
        return connections[-1]

    async def close() -> None:
        server.close()
        for one in connections:
            if one.transport is not None:
                one.transport.abort()

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(connection, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    asyncio.run_coroutine_threadsafe(close(), loop).result(timeout=10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=10)
    loop.close()


def test_the_stub_answers_head_and_copy_as_a_confirm_needs_them(stub_url: str) -> None:
    settings = Settings(
        database_url="sqlite://",
        s3_bucket="media-bucket",
        s3_endpoint_url=stub_url,
        jwt_secret="x" * 40,
    )
    storage = s3_storage(settings, boto3.Session("key", "secret"))
    _batch, (upload_id,) = seed_rows.pending(1)
    key = f"incoming/ads/ad_1/main_{upload_id}-5.jpg"
    head = storage.head(key)
    assert storage.copy(key, "media/x.jpg", source=head, cache_control="x") == head.etag
    storage.client.close()


def test_uploads_for_workers_wait_and_only_due_ones_have_a_time() -> None:
    batch, ids = seed_rows.processing(2, 4_000_000, "digest")
    rows = [dict(zip(batch.columns, row, strict=True)) for row in batch.rows]
    assert [row["id"] for row in rows] == ids
    assert {(row["state"], row["size"], row["checksum_sha256"]) for row in rows} == {
        ("processing", 4_000_000, "digest")
    }
    assert "due_at" not in batch.columns
    assert "due_at" in seed_rows.due(2).columns


def test_every_row_is_explained() -> None:
    from benchmarks.__main__ import ROWS

    page = (ROOT / "docs/benchmarks.md").read_text()
    for name in ROWS:
        assert f"| `{name}` |" in page


def test_no_file_of_the_benchmarks_is_over_300_lines() -> None:
    folder = ROOT / "benchmarks"
    own = [
        path
        for path in folder.rglob("*.py")
        if not {"node_modules", ".peers"} & set(path.relative_to(folder).parts)
    ]
    assert own
    assert [path.name for path in own if len(path.read_text().splitlines()) > 300] == []


def test_the_simulated_year_is_filled_measured_and_pruned(tmp_path: Path) -> None:
    end = datetime.now(UTC)
    with server("sqlite", tmp_path) as url:
        database = Database(url)
        with database.engine.connect() as connection:
            fill(connection, 2000, end)
        before = sizes(database.engine)
        rows, _, _ = pruned(database, end)
        after = sizes(database.engine)
        database.dispose()
    assert before["uploads"].rows == 2000
    assert before["image_variants"].rows == 3 * before["images"].rows > 0
    # Of 2 000 uploads 240 ended without an image, three quarters of them more than 90 days ago.
    assert before["uploads"].rows - after["uploads"].rows > 240 * 3 // 4
    assert after["images"] == before["images"]
    assert 0 < after["events"].rows < before["events"].rows / 8
    assert rows > before["events"].rows - after["events"].rows

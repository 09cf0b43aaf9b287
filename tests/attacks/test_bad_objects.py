"""Many clients at once send objects that only they can read, and others send good ones."""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from flask import Flask

from broker.db.models import Image, Upload
from broker.services.background.reap import reap_once
from tests.attacks import FEW, MANY, PAIRS, SLOW
from tests.faults.invariants import check_invariants
from tests.http.background.test_bucket_notifications import BUCKET_SECRET, PATH, notification
from tests.http.client import Client, rows, send, token
from tests.http.middleware.test_metrics import grown, scrape
from tests.servers import installed_or_skip
from tests.servers.fixtures import Bucket
from tests.servers.sse_c import bucket_with_tls, put_encrypted, send_encrypted

SEAWEEDFS = "seaweedfs"
EXPIRED = timedelta(hours=2)


@pytest.fixture
def bucket(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bucket]:
    """Yield a bucket on a server that accepts SSE-C, which MinIO does only over TLS."""
    if request.param == SEAWEEDFS:
        yield request.getfixturevalue("s3_bucket")
        return
    with installed_or_skip(), bucket_with_tls(tmp_path, monkeypatch) as found:
        yield found


def tickets(client: Client, count: int, **changes: Any) -> list[dict[str, Any]]:
    ad = client.ad()
    return [client.ticket(ad, **changes).get_json() for _ in range(count)]


@pytest.mark.parametrize(
    ("database_url", "bucket", "count"),
    [
        pytest.param("sqlite", SEAWEEDFS, FEW),
        *(pytest.param(*pair, MANY, marks=SLOW) for pair in PAIRS),
    ],
    indirect=["database_url", "bucket"],
)
def test_report_03_bad_objects_stop_no_other_upload(
    make_app: Callable[..., Flask], bucket: Bucket, count: int
) -> None:
    app = make_app(
        s3_endpoint_url=bucket.server.endpoint_url,
        s3_bucket=bucket.name,
        bucket_notifications_secret=BUCKET_SECRET,
        max_images_per_ad=100,
    )
    alice, mallory = Client(app, token(1)), Client(app, token(2))
    on_minio = bucket.server.endpoint_url.startswith("https")
    bad = tickets(mallory, count, transport="put" if on_minio else "post")
    good = tickets(alice, count)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put_encrypted if on_minio else send_encrypted, bad))
        assert {answer.status_code for answer in pool.map(send, good)} == {201}
    before = scrape(app)

    # A third is confirmed by its clients, a third by notifications, and a third by the reaper.
    third = count // 3
    with ThreadPoolExecutor(2 * third) as pool:
        urls = [(mallory, one["confirm_url"]) for one in bad[:third]]
        urls += [(alice, one["confirm_url"]) for one in good[:third]]
        answers = list(pool.map(lambda each: each[0].post(each[1]), urls))
    assert [answer.status_code for answer in answers] == [422] * third + [200] * third
    pairs = zip(bad[third : 2 * third], good[third : 2 * third], strict=True)
    keys = [f"incoming/{ticket['key']}" for pair in pairs for ticket in pair]
    told = Client(app, BUCKET_SECRET).post(PATH, notification(*keys, name=bucket.name))
    assert told.get_json()["outcomes"] == {"rejected": third, "confirmed": third}
    with app.extensions["broker"].system_work(now=datetime.now(UTC) + EXPIRED) as work:
        assert reap_once(work).kept == count - 2 * third
        reap_once(work)

    after = scrape(app)
    errors = {"name": "broker_s3_errors_total", "operation": "HeadObject"}
    assert grown(before, after, **errors, kind="object_refused") == count
    assert grown(before, after, **errors, kind="storage_denied") == 0
    with app.extensions["broker"].database.session() as session:
        states = [upload.state for upload in session.query(Upload)]
    assert (states.count("confirmed"), states.count("rejected")) == (count, count)
    assert rows(app, Image) == count
    client = boto3.Session().client("s3", endpoint_url=bucket.server.endpoint_url)
    state = check_invariants(app, at_rest=True, client=client)
    sys.stdout.write(f"{count} bad objects among {count} good ones: {state}\n")
    assert state.violations == []

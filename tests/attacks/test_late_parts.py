"""Parts that are sent so slowly that they arrive after their multipart upload was aborted.

Amazon S3 says that such a part may stay, so the broker aborts twice. SeaweedFS and MinIO store
nothing. https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from flask import Flask

from broker.db.models import Deletion
from tests.attacks import EACH_PAIR
from tests.attacks.slow_bodies import SlowBody
from tests.attacks.test_late_bodies import DATA, charged, check, reap
from tests.http.client import Client, rows, token
from tests.http.part_uploads import PART, multipart_ticket, signed
from tests.servers.fixtures import Bucket

# After the second abort.
LAST_ABORT = timedelta(days=2)


class Attacker:
    """A user whose multipart upload ends while its part is being sent twice."""

    def __init__(self, app: Flask, number: int, bucket: Bucket, bodies: ExitStack) -> None:
        self.api = Client(app, token(number))
        self.ticket = multipart_ticket(self.api, DATA)
        self.key = f"incoming/{self.ticket['key']}"
        (url,) = signed(self.api, self.ticket, [1], DATA)
        request = {"upload": {"method": "PUT", **url}}
        self.slow = [bodies.enter_context(SlowBody(request, DATA, wait=True)) for _ in range(2)]
        self.admin = boto3.Session().client("s3", endpoint_url=bucket.server.endpoint_url)
        (begun,) = self.begun(bucket)
        self.multipart_id = begun["UploadId"]

    def cancel(self) -> None:
        assert self.api.delete(f"/api/uploads/{self.ticket['id']}/").status_code == 204

    def begun(self, bucket: Bucket) -> list[dict[str, Any]]:
        found = self.admin.list_multipart_uploads(Bucket=bucket.name, Prefix=self.key)
        uploads: list[dict[str, Any]] = found.get("Uploads", [])
        return uploads

    def require_nothing_stored(self, bucket: Bucket) -> None:
        assert self.begun(bucket) == []
        with pytest.raises(ClientError, match="NoSuchUpload"):
            self.admin.list_parts(Bucket=bucket.name, Key=self.key, UploadId=self.multipart_id)
        found = self.admin.list_objects_v2(Bucket=bucket.name, Prefix=self.key)
        assert found.get("Contents", []) == []


@EACH_PAIR
@pytest.mark.parametrize("end", ["cancel", "expire"])
def test_parts_that_arrive_after_the_abort_leave_no_bytes_that_nobody_is_charged_for(
    make_app: Callable[..., Flask], s3_bucket: Bucket, count: int, end: str
) -> None:
    app = make_app(part_size=PART)
    now = datetime.now(UTC)
    with ExitStack() as bodies, ThreadPoolExecutor(count) as pool:
        attackers = [Attacker(app, number, s3_bucket, bodies) for number in range(1, count + 1)]
        assert charged(app) == (count * len(DATA), count)
        if end == "cancel":
            list(pool.map(Attacker.cancel, attackers))
        else:
            now += LAST_ABORT
        reap(app, now)
        assert charged(app) == (0, 0)
        for nth, after in enumerate(("the first abort", "the last abort")):
            statuses = set(pool.map(lambda one, nth=nth: one.slow[nth].finish(), attackers))
            assert statuses == {404}
            for one in attackers:
                one.require_nothing_stored(s3_bucket)
            assert check(app, f"{count} parts arrived after {after}")["objects"] == 0
            now += LAST_ABORT
            reap(app, now)
    assert rows(app, Deletion) == 0
    check(app, "after the last abort", at_rest=True)

"""The doctor with a second bucket for `incoming/` and `private/`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.storage.bucket_setup.iam import iam_policy
from tests.doctor.conftest import ORIGINS, Deployment, deploy
from tests.doctor.test_permission_faults import as_allowed_by
from tests.doctor.test_private_files import with_key
from tests.doctor.test_public_faults import let_anyone
from tests.doctor.test_websites import whole_bucket
from tests.servers.fixtures import Buckets

RARE = pytest.mark.matrix(part="buckets")


@pytest.fixture(params=["seaweedfs", pytest.param("minio", marks=RARE)])
def pair(
    request: pytest.FixtureRequest,
    template: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    buckets: Buckets,
) -> Iterator[Deployment]:
    """Return a healthy deployment with two buckets."""
    server = request.getfixturevalue(f"{request.param}_server")
    with buckets(server, ORIGINS, with_second=True).one() as bucket:
        deployment = deploy(server, template, tmp_path, monkeypatch, bucket=bucket)
        deployment.set(S3_INCOMING_BUCKET=bucket.storage.buckets.incoming)
        yield deployment
        assert bucket.all_keys() == []


def test_a_website_that_serves_all_of_the_first_bucket_is_no_leak(pair: Deployment) -> None:
    with_key(pair)
    with whole_bucket(pair) as url:
        report = pair.doctor(MEDIA_URL=f"{url}/media")
    assert report.failed == set()
    assert report.passed >= {"incoming", "private-files", "private-key", "multipart", "removal"}


def test_what_was_left_in_the_first_bucket_is_a_failure(pair: Deployment) -> None:
    client, name = pair.client(), pair.bucket.name
    client.put_object(Bucket=name, Key="private/invoices/a.pdf", Body=b"x")
    fault = pair.doctor().of("incoming", "fail")
    client.delete_object(Bucket=name, Key="private/invoices/a.pdf")
    assert fault["detail"].startswith(f"{name} has objects below private/, ")
    assert fault["setting"] == "BROKER_S3_INCOMING_BUCKET"
    assert f"move them to {name}-in" in fault["fix"]


def test_a_second_bucket_that_does_not_exist_is_a_failure(pair: Deployment) -> None:
    fault = pair.doctor(S3_INCOMING_BUCKET="nobody-made-this").of("bucket", "fail")
    assert fault["detail"] == "there is no bucket nobody-made-this"
    assert fault["setting"] == "BROKER_S3_INCOMING_BUCKET"


@RARE
@pytest.mark.parametrize("pair", ["minio"], indirect=True)
def test_a_public_second_bucket_is_a_failure(pair: Deployment) -> None:
    with_key(pair)
    let_anyone(pair, f"{pair.bucket.name}-in", GetObject="/*", ListBucket="", PutObject="/*")
    report = pair.doctor()
    assert report.failed >= {"incoming", "private-files", "public-list", "public-write"}
    assert report.of("public-list", "fail")["setting"] == "BROKER_S3_INCOMING_BUCKET"


@RARE
@pytest.mark.parametrize("pair", ["minio"], indirect=True)
def test_the_printed_policy_is_sufficient_for_two_buckets(pair: Deployment) -> None:
    as_allowed_by(pair, iam_policy(pair.bucket.settings, "api"))
    report = pair.doctor(PUT_TTL="600")
    assert report.failed == set()
    assert not [fault for fault in report.faults if fault.startswith("put:")]

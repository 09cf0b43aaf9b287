"""Ceph 16 reads only the bucket's policy for forms; `broker bucket grant` names the user there."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import httpx
import pytest
from click.testing import CliRunner

from broker.cli import broker
from broker.storage.bucket_setup.iam import iam_policy
from tests.doctor.conftest import ORIGINS, Deployment, deploy
from tests.servers import S3Server
from tests.servers.ceph_users import user_without_forms
from tests.servers.fixtures import Buckets, sign_as_admin
from tests.servers.parts import ON_CEPH

pytestmark = ON_CEPH


@pytest.fixture
def on_ceph(
    ceph_server: S3Server,
    template: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    buckets: Buckets,
) -> Iterator[Deployment]:
    with buckets(ceph_server, ORIGINS).one() as bucket:
        deployment = deploy(ceph_server, template, tmp_path, monkeypatch, bucket=bucket)
        yield deployment
        assert deployment.keys() == []


@pytest.fixture
def keys(on_ceph: Deployment) -> tuple[str, str]:
    """Return the keys of a user with the policy of `broker bucket iam api`."""
    return user_without_forms(on_ceph.bucket.server, iam_policy(on_ceph.bucket.settings, "api"))


def use(deployment: Deployment, keys: tuple[str, str]) -> None:
    deployment.set(AWS_ACCESS_KEY_ID=keys[0], AWS_SECRET_ACCESS_KEY=keys[1])


def grant(deployment: Deployment, user: str) -> str:
    """Run the command with the keys of the bucket's owner."""
    sign_as_admin(deployment.bucket.server, deployment.monkeypatch)
    arn = f"arn:aws:iam:::user/{user}"
    done = CliRunner().invoke(broker, ["bucket", "grant", "api", arn])
    assert done.exit_code == 0, done.output
    return done.output


def status_of_form(deployment: Deployment, keys: tuple[str, str], key: str) -> int:
    """Sign a form for any key, as somebody can who has stolen the keys; return the answer."""
    client = boto3.client(
        "s3",
        endpoint_url=deployment.bucket.server.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=keys[0],
        aws_secret_access_key=keys[1],
    )
    form = client.generate_presigned_post(deployment.bucket.name, key)
    return httpx.post(form["url"], data=form["fields"], files={"file": b"x"}).status_code


def test_the_doctor_names_the_command_that_lets_the_user_sign_forms(
    on_ceph: Deployment, keys: tuple[str, str]
) -> None:
    use(on_ceph, keys)
    fault = on_ceph.doctor().of("ticket", "fail")
    assert "403" in fault["detail"]
    assert "broker bucket grant api arn:aws:iam:::user/NAME" in fault["fix"]
    assert grant(on_ceph, keys[0]).startswith("changed: ")
    assert grant(on_ceph, keys[0]).startswith("unchanged: ")
    use(on_ceph, keys)
    report = on_ceph.doctor()
    assert report.failed == set()
    assert "POST" in report.of("ticket", "ok")["detail"]


def test_stolen_keys_sign_no_forms_for_other_places(
    on_ceph: Deployment, keys: tuple[str, str]
) -> None:
    places = ("incoming/a", "media/a", "private/a", "a", "incoming/../media/a")
    assert [status_of_form(on_ceph, keys, key) for key in places] == [403] * 5
    grant(on_ceph, keys[0])
    assert status_of_form(on_ceph, keys, "incoming/a") == 204
    assert on_ceph.keys() == ["incoming/a"]
    for key in ("media/a", "private/a", "a"):
        assert status_of_form(on_ceph, keys, key) == 403
    on_ceph.client().delete_object(Bucket=on_ceph.bucket.name, Key="incoming/a")
    assert on_ceph.keys() == []

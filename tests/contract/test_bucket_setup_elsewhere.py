"""`broker bucket apply` on servers that answer differently, and with credentials that are refused.

A proxy in front of SeaweedFS sends recorded answers of other servers.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from broker.cli import broker
from broker.domain.storage_errors import StorageDenied
from broker.storage import bucket_setup
from broker.storage.bucket_setup import Outcome, Step
from broker.storage.bucket_setup.iam import iam_policy
from tests.servers.fixtures import SECRET, Bucket
from tests.servers.header_proxy import header_proxy
from tests.servers.minio import allowed_by
from tests.servers.reused import admin_of

POLICY, CORS, INCOMING, PARTS = (
    "anyone may read media/*",
    "browsers may upload from https://shop.example",
    "incoming/ is emptied after 30 days",
    "incomplete multipart uploads are aborted after a day",
)
ALL = {POLICY, CORS, INCOMING, PARTS}
Answer = Callable[[int, bytes], tuple[int, bytes]]


@dataclass
class Elsewhere:
    """SeaweedFS behind the proxy. `answers` are by method and part of the configuration."""

    bucket: Bucket
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    url: str = ""

    def rewrite(self, method: str, path: str, status: int, body: bytes) -> tuple[int, bytes]:
        part = urlsplit(path).query.partition("=")[0]
        if method == "PUT":
            self.written.append(part)
        change = self.answers.get((method, part))
        return change(status, body) if change else (status, body)

    def apply(self) -> dict[str, Outcome]:
        return {step.title: step.outcome for step in self.steps()}

    def steps(self) -> Iterator[Step]:
        there = {"s3_endpoint_url": self.url}
        return bucket_setup.apply(self.bucket.settings.model_copy(update=there))

    def client(self) -> Any:
        server = self.bucket.server
        return admin_of(server.endpoint_url, server.access_key, server.secret_key)

    def clear(self) -> None:
        """Delete what `bucket apply` has configured."""
        client, name = self.client(), self.bucket.name
        client.delete_bucket_policy(Bucket=name)
        client.delete_bucket_cors(Bucket=name)
        client.delete_bucket_lifecycle(Bucket=name)


def recorded(status: int, body: str) -> Answer:
    """Answer with a recorded status and body, unless the configuration is there."""
    return lambda real, data: (real, data) if real == 200 else (status, body.encode())


def s3_error(status: int, code: str) -> Answer:
    return recorded(status, f"<Error><Code>{code}</Code><Message>m</Message></Error>")


@contextmanager
def elsewhere_of(bucket: Bucket) -> Iterator[Elsewhere]:
    made = Elsewhere(bucket)
    with header_proxy(bucket.server.endpoint_url, rewrite=made.rewrite) as made.url:
        yield made


@pytest.fixture
def elsewhere(s3_bucket: Bucket) -> Iterator[Elsewhere]:
    with elsewhere_of(s3_bucket) as made:
        yield made


NOTHING = {
    "other codes": {
        "policy": s3_error(404, "NoSuchPolicy"),
        "cors": recorded(404, "<html>"),
        "lifecycle": s3_error(404, "NoSuchLifecycle"),
    },
    "no members": {
        "policy": recorded(200, " "),
        "cors": recorded(200, "<CORSConfiguration/>"),
        "lifecycle": recorded(200, "<LifecycleConfiguration/>"),
    },
}


@pytest.mark.parametrize("absent", NOTHING)
def test_report_15_a_configuration_that_is_absent_in_any_words_is_written(
    elsewhere: Elsewhere, absent: str
) -> None:
    elsewhere.answers = {("GET", part): answer for part, answer in NOTHING[absent].items()}
    elsewhere.clear()
    found = elsewhere.apply()
    assert {title for title, outcome in found.items() if outcome is Outcome.CHANGED} == ALL
    elsewhere.written.clear()
    assert Outcome.CHANGED not in elsewhere.apply().values()
    assert elsewhere.written == []


def shuffled(data: Any) -> Any:
    """Return a policy as some servers do: lists reversed, and short ones without brackets."""
    if isinstance(data, dict):
        return {name: shuffled(value) for name, value in reversed(data.items())}
    if isinstance(data, list):
        items = [shuffled(value) for value in reversed(data)]
        return items[0] if len(items) == 1 else items
    return data


def reversed_elements(name: bytes) -> Callable[[bytes], bytes]:
    """Reverse the elements of this name in an XML document."""
    pattern = re.compile(rb"<%s>.*?</%s>" % (name, name), re.DOTALL)

    def change(body: bytes) -> bytes:
        elements = pattern.findall(body)
        return pattern.sub(lambda _: elements.pop(), body)

    return change


def test_report_15_a_second_apply_writes_nothing_if_the_server_reorders_lists(
    elsewhere: Elsewhere,
) -> None:
    client, name = elsewhere.client(), elsewhere.bucket.name
    own = {
        "Sid": "Own",
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": [f"arn:aws:s3:::{name}/own/*"],
    }
    policy = json.loads(client.get_bucket_policy(Bucket=name)["Policy"])
    policy["Statement"] = [own, *policy["Statement"]]
    client.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    methods, headers, rules = (
        reversed_elements(one) for one in (b"AllowedMethod", b"ExposeHeader", b"Rule")
    )
    elsewhere.answers = {
        ("GET", "policy"): lambda s, body: (s, json.dumps(shuffled(json.loads(body))).encode()),
        ("GET", "cors"): lambda s, body: (s, headers(methods(body))),
        ("GET", "lifecycle"): lambda s, body: (s, rules(body)),
    }
    assert Outcome.CHANGED not in elsewhere.apply().values()
    assert elsewhere.written == []


def test_report_15_a_policy_that_is_not_json_stays_and_the_rest_is_done(
    elsewhere: Elsewhere,
) -> None:
    elsewhere.clear()
    listing = "<ListBucketResult><Name>media</Name></ListBucketResult>"
    elsewhere.answers["GET", "policy"] = recorded(200, listing)
    steps: list[Step] = []
    with pytest.raises(StorageDenied, match="anyone may read media"):
        steps.extend(elsewhere.steps())
    outcomes = {step.title: (step.outcome, step.reason) for step in steps}
    assert outcomes[POLICY] == (Outcome.FAILED, "the bucket's policy is not JSON")
    assert {outcomes[title][0] for title in ALL - {POLICY}} == {Outcome.CHANGED}
    assert "policy" not in elsewhere.written


def test_report_15_a_change_that_fails_with_an_unknown_code_does_not_stop_the_others(
    elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere.clear()
    body = b"<Error><Code>InvalidLocationConstraint</Code><Message>Not here</Message></Error>"
    elsewhere.answers["PUT", "cors"] = lambda *_: (400, body)
    settings = elsewhere.bucket.settings
    for name, value in {
        "DATABASE_URL": "sqlite://",
        "JWT_SECRET": SECRET,
        "S3_BUCKET": settings.s3_bucket,
        "S3_ENDPOINT_URL": elsewhere.url,
        "CORS_ORIGINS": "https://shop.example",
    }.items():
        monkeypatch.setenv(f"BROKER_{name}", value)
    done = CliRunner().invoke(broker, ["bucket", "apply"])
    assert f"failed: {CORS}\n    400 InvalidLocationConstraint: Not here\n" in done.output
    for title in ALL - {CORS}:
        assert f"\nchanged: {title}\n" in done.output
    assert isinstance(done.exception, StorageDenied)
    assert done.exit_code == 1


@pytest.mark.parametrize("s3_bucket", ["minio"], indirect=True)
def test_report_15_the_key_of_the_api_changes_nothing_and_the_error_names_the_right_one(
    s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Elsewhere(s3_bucket).client()
    client.delete_bucket_lifecycle(Bucket=s3_bucket.name)
    client.delete_bucket_policy(Bucket=s3_bucket.name)
    with elsewhere_of(s3_bucket) as elsewhere:
        for name, value in allowed_by(
            s3_bucket.server, iam_policy(s3_bucket.settings, "api")
        ).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(StorageDenied) as refused:
            list(elsewhere.steps())
    assert elsewhere.written == []
    assert "s3:GetBucketPolicy, " in refused.value.detail
    assert "Nothing was changed" in refused.value.detail
    assert "keys of the bucket's owner or of an administrator" in refused.value.detail
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        client.get_bucket_lifecycle_configuration(Bucket=s3_bucket.name)

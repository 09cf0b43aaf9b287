"""The broker understands what Garage, Swift's s3api and S3Proxy answer, which cannot run here."""

import contextlib

import pytest
from broker_client.s3_errors import s3_failure
from broker_client.steps import Answer as ClientAnswer

from broker.domain.s3_failures import advise
from broker.domain.storage_errors import StorageDenied
from broker.storage import bucket_setup
from broker.storage.bucket_setup import Outcome, Step
from broker.storage.s3 import S3Storage
from tests.contract.odd_server import CALLS, Answer, OddServer, settings_at
from tests.contract.recorded import ETAG, HEAD_HEADERS, LISTED_KEY, Recorded
from tests.contract.recorded.garage import GARAGE
from tests.contract.recorded.s3proxy import S3PROXY
from tests.contract.recorded.swift import SWIFT

SERVERS = {"garage": GARAGE, "swift": SWIFT, "s3proxy": S3PROXY}
SERVER = pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
TO_BROKER = [(name, case) for name, server in SERVERS.items() for case in server.to_broker]
TO_CLIENTS = [(name, case) for name, server in SERVERS.items() for case in server.to_clients]


@pytest.mark.parametrize(("server", "case"), TO_BROKER)
def test_an_answer_to_the_broker_becomes_its_own_error(
    odd: OddServer, storage: S3Storage, server: str, case: str
) -> None:
    recorded = SERVERS[server].to_broker[case]
    odd.answer = recorded.answer
    if recorded.error is None:
        CALLS[recorded.call](storage)
        return
    with pytest.raises(recorded.error) as raised:
        CALLS[recorded.call](storage)
    assert type(raised.value) is recorded.error


@pytest.mark.parametrize(("server", "case"), TO_CLIENTS)
def test_a_client_gets_the_right_advice_after_a_refusal(server: str, case: str) -> None:
    recorded = SERVERS[server].to_clients[case]
    answer = recorded.answer
    failure = s3_failure(
        ClientAnswer(status=answer.status, headers=answer.headers, body=answer.body)
    )
    assert not failure.from_proxy
    found = advise(failure.code, failure.message, failures=1, expired=False)
    assert found is recorded.advice


@SERVER
def test_a_head_has_the_digest_that_the_server_keeps(
    odd: OddServer, storage: S3Storage, server: Recorded
) -> None:
    odd.answer = Answer(headers={**HEAD_HEADERS, **server.checksum})
    head = storage.head("media/a.jpg")
    assert head.checksum_sha256 == server.checksum.get("x-amz-checksum-sha256")
    assert (head.content_length, head.content_type) == (5, "image/jpeg")
    assert head.etag == ETAG
    assert head.metadata == {"upload-id": "u"}


@SERVER
def test_a_listed_key_is_decoded(odd: OddServer, storage: S3Storage, server: Recorded) -> None:
    odd.answer = server.listing
    (item,) = storage.list_objects("media/")
    assert (item.key, item.size, item.etag) == (LISTED_KEY, 5, ETAG)
    assert item.last_modified.isoformat() == "2026-11-30T12:00:00+00:00"


@SERVER
@pytest.mark.usefixtures("storage")
def test_a_bucket_is_configured_as_far_as_the_server_can(odd: OddServer, server: Recorded) -> None:
    odd.answers = dict(server.configuration)
    settings = settings_at(odd.server.server_port, cors_origins="https://shop.example")
    steps: list[Step] = []
    fails = Outcome.FAILED in server.outcomes.values()
    with pytest.raises(StorageDenied) if fails else contextlib.nullcontext():
        for step in bucket_setup.apply(settings):
            steps.append(step)  # noqa: PERF402 - also those before the error
    assert steps[0].outcome is Outcome.UNCHANGED
    for part, outcome in server.outcomes.items():
        (step,) = (step for step in steps if part in step.title)
        assert (step.title, step.outcome) == (step.title, outcome)
    assert len(steps) == 1 + len(server.outcomes)

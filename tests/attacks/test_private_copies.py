"""Uploads that are turned into copies of private files (x-amz-copy-source)."""

from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote

import httpx
import pytest
from botocore.exceptions import ClientError

from broker.domain.storage_errors import StorageDenied, StorageError
from tests.attacks import EACH_BUCKET, SLOW_ON_EACH_BUCKET
from tests.attacks.private_files import INCOMING, MEDIA, OWN, PRIVATE, SECRET, TARGET, Shop, shop
from tests.servers.fixtures import Bucket
from tests.servers.parts import CEPH

SOURCES = [PRIVATE, INCOMING, MEDIA]
COPY, RANGE = "x-amz-copy-source", "x-amz-copy-source-range"
# Names the source of a copy in a presigned request; returns the URL and further headers.
Place = Callable[[str, str], tuple[str, dict[str, str]]]


def in_header(url: str, source: str) -> tuple[str, dict[str, str]]:
    return url, {COPY: source}


def in_header_with_range(url: str, source: str) -> tuple[str, dict[str, str]]:
    return url, {COPY: source, RANGE: f"bytes=0-{len(SECRET) - 1}"}


def in_query(url: str, source: str) -> tuple[str, dict[str, str]]:
    return f"{url}&{COPY}={quote(source, safe='')}", {}


def named_as_signed(url: str, source: str) -> tuple[str, dict[str, str]]:
    changed = url.replace("X-Amz-SignedHeaders=", f"X-Amz-SignedHeaders={COPY}%3B")
    return changed, {COPY: source}


def with_metadata(url: str, source: str) -> tuple[str, dict[str, str]]:
    return url, {COPY: source, "x-amz-metadata-directive": "REPLACE"}


WAYS = [in_header, in_header_with_range, in_query, named_as_signed, with_metadata]


def spellings(bucket: str, key: str) -> Iterator[str]:
    """Yield the ways to write a source."""
    yield f"/{bucket}/{key}"
    yield f"{bucket}/{key}"
    yield quote(f"/{bucket}/{key}", safe="")
    yield f"/%{ord(bucket[0]):02x}{bucket[1:]}/{key}"
    yield f"%2F{bucket}/{key}"
    yield f"//{bucket}/{key}"
    yield f"/{bucket}/incoming/../{key}"
    yield f"/{bucket}/{key}?versionId=null"


def put(url: str, headers: Mapping[str, str], body: bytes) -> httpx.Response:
    return httpx.put(url, headers=dict(headers), content=body, timeout=20)


@EACH_BUCKET
def test_a_presigned_put_never_becomes_a_copy_of_a_private_file(attacked: Shop) -> None:
    ticket, name = attacked.put(), attacked.bucket.name
    answers = [
        put(ticket.url, {**ticket.headers, COPY: f"/{name}/{key}"}, body)
        for key in (PRIVATE, INCOMING)
        for body in (OWN, b"")
    ]
    assert {answer.status_code for answer in answers} == {403}
    attacked.check(*answers)
    assert put(ticket.url, ticket.headers, OWN).status_code == 200


@pytest.mark.parametrize("any_bucket", ["minio", CEPH], indirect=True)
def test_without_the_policy_such_a_put_is_a_copy_so_the_attack_is_real(any_bucket: Bucket) -> None:
    attacked = shop(any_bucket, with_policies=False)
    ticket, source = attacked.put(), f"/{any_bucket.name}/{PRIVATE}"
    assert put(ticket.url, {**ticket.headers, COPY: source}, OWN).status_code == 200
    assert attacked.stored()[TARGET] == SECRET


@SLOW_ON_EACH_BUCKET
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_no_spelling_of_a_source_turns_a_put_into_a_copy(attacked: Shop, way: Place) -> None:
    for key in SOURCES:
        for source in spellings(attacked.bucket.name, key):
            ticket = attacked.put()
            url, more = way(ticket.url, source)
            answers = [put(url, {**ticket.headers, **more}, body) for body in (OWN, b"")]
            attacked.check_target(*answers)
    attacked.check()


@SLOW_ON_EACH_BUCKET
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_no_part_of_a_multipart_upload_is_a_copy(attacked: Shop, way: Place) -> None:
    multipart_id = attacked.begin()
    for key in SOURCES:
        for source in spellings(attacked.bucket.name, key):
            part = attacked.part(multipart_id)
            url, more = way(part.url, source)
            answers = [put(url, {**part.headers, **more}, body) for body in (OWN, b"")]
            attacked.check_target(*answers)
            parts = attacked.storage.multipart.list_parts(TARGET, multipart_id)
            assert {one.size for one in parts} <= {0, len(OWN)}, source
    part = attacked.part(multipart_id)
    assert put(part.url, part.headers, OWN).status_code == 200
    parts = attacked.storage.multipart.list_parts(TARGET, multipart_id)
    attacked.storage.multipart.complete(TARGET, multipart_id, parts)
    attacked.check()
    assert attacked.stored()[TARGET] == OWN


@SLOW_ON_EACH_BUCKET
def test_no_form_is_a_copy(attacked: Shop) -> None:
    form = attacked.form()
    for key in SOURCES:
        for source in spellings(attacked.bucket.name, key):
            files, named = {"file": ("x", OWN)}, {COPY: source}
            first = {**named, **form.fields}
            target = {**form.fields, "key": key}
            attacked.check_target(
                httpx.post(form.url, data=first, files=files),
                httpx.post(form.url, data=form.fields, files={**files, COPY: (None, source)}),
                httpx.post(form.url, data=form.fields, files=files, headers=named),
                httpx.post(form.url, data=form.fields, files=files, params=named),
                httpx.post(form.url, data=target, files=files),
                httpx.post(form.url, data=form.fields, headers=named),
            )
    attacked.check()


@SLOW_ON_EACH_BUCKET
def test_nobody_without_a_ticket_reads_lists_or_copies(attacked: Shop) -> None:
    base, name = attacked.storage.presigner.bucket_url, attacked.bucket.name
    copy = {COPY: f"/{name}/{PRIVATE}"}
    answers = [
        httpx.get(f"{base}/{PRIVATE}"),
        httpx.get(f"{base}/{PRIVATE}?response-content-type=text/html"),
        httpx.get(f"{base}/media/../{PRIVATE}"),
        httpx.get(f"{base}/media/%2e%2e/{PRIVATE}"),
        httpx.get(f"{base}/media%2f..%2f{quote(PRIVATE, safe='')}"),
        httpx.get(f"{base}?list-type=2&prefix=private/"),
        httpx.get(f"{base}?versions&prefix=private/"),
        httpx.get(f"{base}?uploads&prefix=private/"),
        httpx.put(f"{base}/{TARGET}", headers=copy),
        httpx.put(f"{base}/media/ads/ad_1/a.jpg", headers=copy),
        httpx.put(f"{base}/{PRIVATE}", content=OWN),
        httpx.delete(f"{base}/{PRIVATE}"),
    ]
    attacked.check(*answers)
    assert not any(answer.is_success for answer in answers), answers
    assert not any(b"order_7" in answer.content for answer in answers[5:8])


@SLOW_ON_EACH_BUCKET
def test_the_key_of_the_api_copies_to_private_keys_and_does_not_read_them(attacked: Shop) -> None:
    """A confirm without inspection copies; SeaweedFS has no policy here."""
    storage, where = attacked.storage, {"Bucket": attacked.bucket.name}
    made = "private/invoices/order_9/rechnung_Xy98Zw76.pdf"
    head = storage.head(INCOMING)
    storage.copy(INCOMING, made, source=head, cache_control="private, no-store")
    storage.delete(made)
    if attacked.bucket.server.private_key is None:
        with pytest.raises(StorageDenied):
            storage.head(PRIVATE)
        with pytest.raises(StorageError):
            storage.copy(PRIVATE, TARGET, source=head, cache_control="private")
        with pytest.raises(ClientError, match="AccessDenied"):
            storage.client.copy_object(Key=TARGET, CopySource={**where, "Key": PRIVATE}, **where)
    attacked.check()

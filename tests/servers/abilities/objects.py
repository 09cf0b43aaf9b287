"""What servers do when objects are read, copied and listed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from broker.domain.profiles import PRIVATE
from tests.servers.abilities.trial import (
    DATA,
    OTHER,
    SPENT,
    Ability,
    Trial,
    digest,
    refusal,
    said,
    said_why,
    send,
)
from tests.servers.fixtures import ORIGIN

HTML = "response-content-type=text/html"


def head_digest(trial: Trial) -> str:
    key = trial.key()
    send(trial.form(key))
    found = trial.storage.head(key).checksum_sha256
    return "none" if found is None else "returned" if found == digest(DATA) else "**wrong**"


def missing_key(trial: Trial) -> str:
    where = {"Bucket": trial.bucket.name, "Key": trial.key()}
    return refusal(lambda: trial.client.head_object(**where))


def _copy(trial: Trial, to: str, **arguments: Any) -> str:
    source, name = trial.key(), trial.bucket.name
    trial.store(source, OTHER)
    copy = trial.client.copy_object
    wanted = {"Bucket": name, "Key": to, "CopySource": {"Bucket": name, "Key": source}}
    return refusal(lambda: copy(**wanted, **arguments)) or "200"


def copy_of_replaced(trial: Trial) -> str:
    key = trial.key()
    answer = _copy(trial, key, CopySourceIfMatch=f'"{"0" * 32}"')
    return f"{answer}, **copies**" if trial.is_stored(key) else answer


def copy_onto_used_key(trial: Trial) -> str:
    key = trial.key()
    trial.store(key)
    answer = _copy(trial, key, IfNoneMatch="*")
    return f"{answer}, **overwrites**" if trial.bytes_of(key) != DATA else answer


def copy_with_new_digest(trial: Trial) -> str:
    key = trial.key()
    _copy(trial, key, ChecksumAlgorithm="SHA256")
    return "none" if trial.storage.head(key).checksum_sha256 is None else "added"


def put_onto_used_key(trial: Trial) -> str:
    key = trial.key()
    trial.store(key)
    return refusal(lambda: trial.store(key, OTHER, IfNoneMatch="*")) or "200, **overwrites**"


def order(trial: Trial) -> str:
    keys = [f"media/order/{name}" for name in ("a/b.jpg", "a-b.jpg", "a.jpg")]
    for key in keys:
        trial.store(key)
    listed = [one.key for one in trial.storage.list_objects("media/order/")]
    return "by byte" if listed == sorted(keys) else "by directory"


def unsigned(method: str, folder: str, query: str = "") -> Ability:
    def ability(trial: Trial) -> str:
        key = trial.key(folder)
        trial.store(key)
        url = f"{trial.storage.presigner.bucket_url}/{key}?{query}".rstrip("?")
        try:
            answer = httpx.request(method, url, verify=False)
        except httpx.RemoteProtocolError:
            return "an answer that is not HTTP"  # Ceph 16 sends the line of the status twice
        if query and answer.headers.get("content-type", "").startswith("text/html"):
            return f"{said(answer)}, **obeyed**"
        return said(answer)

    return ability


def preflight(origin: str) -> Ability:
    def ability(trial: Trial) -> str:
        url = f"{trial.storage.presigner.bucket_url}/{trial.key()}"
        headers = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
        answer = httpx.options(url, headers=headers, verify=False)
        allowed = answer.headers.get("access-control-allow-origin")
        return "allowed" if allowed in (origin, "*") else "refused"

    return ability


def download(age: timedelta = timedelta(), method: str = "GET", **changes: str) -> Ability:
    """Return the ability to answer the URL of a private file, with changed parameters."""

    def ability(trial: Trial) -> str:
        key = trial.key(f"{PRIVATE}/invoices/order_7")
        trial.store(key)
        reader = trial.private_reader
        now = datetime.now(UTC) + age
        url = reader.url(key, file_name="a.pdf", content_type="application/pdf", now=now).url
        for name, value in changes.items():
            url = url.replace(name, value)
        answer = httpx.request(method, url, verify=False)
        return said_why(answer) if age else said(answer)

    return ability


OBJECTS: dict[str, Ability] = {
    "HEAD: the digest of a form": head_digest,
    "HEAD of a missing key": missing_key,
    "copy, conditional on a wrong ETag": copy_of_replaced,
    "copy with `If-None-Match: *` onto a key in use": copy_onto_used_key,
    "PUT with `If-None-Match: *` onto a key in use, signed in a header": put_onto_used_key,
    "copy of an object without digest, asking for SHA-256": copy_with_new_digest,
    "order of a list": order,
    "GET without a signature: `media/`": unsigned("GET", "media/ads/ad_1"),
    "GET without a signature: `incoming/`": unsigned("GET", "incoming/ads/ad_1"),
    "GET without a signature, `?response-content-type=text/html`": unsigned(
        "GET", "media/ads/ad_1", HTML
    ),
    "DELETE without a signature": unsigned("DELETE", "media/ads/ad_1"),
    "preflight of an origin of the bucket's CORS rules": preflight(ORIGIN),
    "preflight of another origin": preflight("https://other.example"),
    "URL of a private file": download(),
    "the same, another name or type": download(pdf="html"),
    "the same, sent as HEAD": download(method="HEAD"),
    "the same, expired": download(SPENT),
}

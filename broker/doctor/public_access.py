"""Check what anonymous requests may do in the buckets, beyond reading images: nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from broker.doctor import bucket, refusal
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok
from broker.doctor.trial import CONTENT_TYPE, PHOTO

LIST, WRITE = "public-list", "public-write"


@dataclass(frozen=True)
class _Place:
    """A bucket's URL for browsers, the setting that names it, and what returns keys in it."""

    url: str
    setting: str
    key: Callable[[str], str]


def list_keys(examination: Examination) -> Iterator[Finding]:
    """Try to list each bucket without credentials."""
    for place in _places(examination):
        answer = examination.browser.send("GET", f"{place.url}?list-type=2&max-keys=1")
        if refusal.granted(answer):
            yield fail(
                LIST,
                "anyone may list every key of the bucket",
                setting=place.setting,
                fix="broker bucket apply; then remove s3:ListBucket for everyone from policy and"
                " ACL",
            )
        else:
            yield ok(LIST, f"refused without credentials: {answer.summary}")


def write(examination: Examination) -> Iterator[Finding]:
    """Try to write and to delete without credentials, in each bucket."""
    for place in _places(examination):
        granted = _granted(examination, place)
        if granted:
            yield fail(
                WRITE,
                f"ANYONE MAY {' AND '.join(granted).upper()} OBJECTS, without a ticket",
                setting=place.setting,
                fix="broker bucket apply; then remove s3:PutObject and s3:DeleteObject for everyone"
                " from policy and ACL",
            )
        else:
            yield ok(WRITE, "refused without credentials")


def _granted(examination: Examination, place: _Place) -> list[str]:
    granted = []
    for method, name, file_name, body in (
        ("PUT", "write", "anonymous.png", PHOTO),
        ("DELETE", "delete", "absent.png", None),
    ):
        url = f"{place.url.rstrip('/')}/{place.key(file_name)}"
        headers = {"Content-Type": CONTENT_TYPE} if body else {}
        if refusal.granted(examination.browser.send(method, url, headers=headers, body=body)):
            granted.append(name)
    return granted


def _places(examination: Examination) -> Iterator[_Place]:
    trial, urls = examination.trial, examination.public_urls
    yield _Place(urls.media, bucket.SETTING, trial.key)
    if urls.are_two:
        yield _Place(urls.incoming, bucket.INCOMING_SETTING, trial.incoming_key)

"""Check what anonymous requests may do in the bucket, beyond reading images: nothing."""

from collections.abc import Iterator

from broker.doctor import refusal
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok
from broker.doctor.trial import CONTENT_TYPE, PHOTO

LIST, WRITE = "public-list", "public-write"
POLICY = "BROKER_S3_BUCKET"


def list_keys(examination: Examination) -> Iterator[Finding]:
    """Try to list the bucket without credentials."""
    url = f"{examination.public_url}?list-type=2&max-keys=1"
    answer = examination.browser.send("GET", url)
    if refusal.granted(answer):
        yield fail(
            LIST,
            "anyone may list every key of the bucket",
            setting=POLICY,
            fix="broker bucket apply; then remove s3:ListBucket for everyone from policy and ACL",
        )
    else:
        yield ok(LIST, f"refused without credentials: {answer.summary}")


def write(examination: Examination) -> Iterator[Finding]:
    """Try to write and to delete without credentials."""
    trial, base = examination.trial, examination.public_url.rstrip("/")
    granted = []
    for method, name, target, body in (
        ("PUT", "write", trial.key("anonymous.png"), PHOTO),
        ("DELETE", "delete", trial.key("absent.png"), None),
    ):
        headers = {"Content-Type": CONTENT_TYPE} if body else {}
        answer = examination.browser.send(method, f"{base}/{target}", headers=headers, body=body)
        if refusal.granted(answer):
            granted.append(name)
    if granted:
        yield fail(
            WRITE,
            f"ANYONE MAY {' AND '.join(granted).upper()} OBJECTS, without a ticket",
            setting=POLICY,
            fix="broker bucket apply; then remove s3:PutObject and s3:DeleteObject for everyone"
            " from policy and ACL",
        )
    else:
        yield ok(WRITE, "refused without credentials")

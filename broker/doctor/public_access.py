"""What the bucket lets anyone do, by trying it: read images, and nothing else."""

from collections.abc import Iterator

from broker.doctor import refusal
from broker.doctor.browser import Answer, Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, warn
from broker.doctor.trial import CONTENT_TYPE, PHOTO
from broker.domain import object_keys
from broker.domain.errors import BrokerError, StorageError
from broker.domain.transports import transport_named

READ, LIST, WRITE, INCOMING = "public-read", "public-list", "public-write", "incoming"
POLICY = "BROKER_S3_BUCKET"


def read(examination: Examination) -> Iterator[Finding]:
    """GET the confirmed photo as the marketplace's pages do."""
    trial, settings = examination.trial, examination.settings
    url = f"{trial.storage.media_url}/{trial.image_key}"
    base = "BROKER_MEDIA_URL" if settings.media_url else examination.public_setting
    try:
        answer = examination.browser.send("GET", url)
    except Unreachable as error:
        yield fail(
            READ,
            f"{trial.storage.media_url} does not answer: {error}",
            setting=base,
            fix=f"set {base} to where browsers read images",
        )
        return
    if not answer.succeeded:
        yield _unreadable(examination, f"{answer.said} for the image just confirmed")
    elif answer.body != PHOTO and settings.media_url and _type(answer).startswith("image/"):
        yield warn(
            READ,
            "another image than was sent is read there; fine where a CDN converts them",
            setting=base,
            fix=f"set {base} to the bucket's own base or its CDN's, location included",
        )
    elif answer.body != PHOTO:
        yield fail(
            READ,
            "other bytes than were sent are read there",
            setting=base,
            fix=f"set {base} to the bucket's own base or its CDN's, location included",
        )
    else:
        yield _headers(examination, answer, base)


def _type(answer: Answer) -> str:
    return answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _directives(cache_control: str) -> set[str]:
    return {directive.strip().lower() for directive in cache_control.split(",")}


def _headers(examination: Examination, answer: Answer, base: str) -> Finding:
    given, wanted = answer.headers.get("Cache-Control", ""), examination.settings.cache_control
    if _type(answer) != CONTENT_TYPE:
        return fail(
            READ,
            f"images come with Content-Type {_type(answer) or 'none'}, not {CONTENT_TYPE}",
            setting=base,
            fix="see that nothing between bucket and browser sets Content-Type",
        )
    if _directives(given) != _directives(wanted):
        return fail(
            READ,
            f"images come with Cache-Control {given or 'none'}, not {wanted}",
            setting="BROKER_CACHE_CONTROL",
            fix=f"see that what {base} names passes the bucket's Cache-Control on",
        )
    return ok(READ, f"anyone reads the image, with {CONTENT_TYPE} and {wanted}")


def _unreadable(examination: Examination, said: str) -> Finding:
    trial, settings = examination.trial, examination.settings
    if settings.media_url:
        direct = f"{examination.public_url.rstrip('/')}/{settings.media_location}"
        answer = examination.browser.send("GET", f"{direct}/{trial.image_key}")
        if answer.succeeded:
            return fail(
                READ,
                f"the bucket gives the image to anyone, but {settings.media_url} answers {said}",
                setting="BROKER_MEDIA_URL",
                fix=f"let it lead to {direct}, location included; unset it where there is no CDN",
            )
    return fail(
        READ,
        f"nobody can see images: {said}",
        setting="BROKER_MEDIA_LOCATION",
        fix="broker bucket apply"
        + ("" if settings.s3_endpoint_url else ", with Block Public Access off for policies"),
    )


def list_keys(examination: Examination) -> Iterator[Finding]:
    """Try to list the bucket without credentials."""
    url = f"{examination.public_url}?list-type=2&max-keys=1"
    answer = examination.browser.send("GET", url)
    if refusal.granted(answer):
        yield fail(
            LIST,
            "anyone may list every key of the bucket",
            setting=POLICY,
            fix="broker bucket apply; else take s3:ListBucket from everyone in policy and ACL",
        )
    else:
        yield ok(LIST, f"refused to strangers: {answer.said}")


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
            fix="broker bucket apply; else take s3:PutObject and s3:DeleteObject from everyone"
            " in policy and ACL",
        )
    else:
        yield ok(WRITE, "refused to strangers")


def incoming(examination: Examination) -> Iterator[Finding]:
    """Send a photo without a digest: nobody may read it before the broker has promoted it."""
    trial, settings = examination.trial, examination.settings
    transport = transport_named(settings.default_transport)
    ticket = trial.issue(transport, pinned=False)
    answer = trial.send(ticket, refusal.origin(examination))
    if not answer.succeeded:
        yield refusal.of_upload(INCOMING, examination, answer, transport)
        return
    base = examination.public_url.rstrip("/")
    read_by_anyone = refusal.granted(
        examination.browser.send("GET", f"{base}/{object_keys.INCOMING}/{ticket.upload.key}")
    )
    if read_by_anyone:
        yield fail(
            INCOMING,
            "anyone may read what is below incoming/, before it has been confirmed",
            setting="BROKER_MEDIA_LOCATION",
            fix="broker bucket apply; else let the policy name the location alone, not /*",
        )
    try:
        trial.confirm(ticket)
    except StorageError as error:
        yield refusal.of_broker(INCOMING, examination, error, "s3:GetObject and s3:PutObject")
    except BrokerError as error:
        yield fail(
            INCOMING,
            f"an upload without a digest cannot be confirmed: {error.detail}",
            setting="BROKER_REQUIRE_CHECKSUM",
            fix="BROKER_REQUIRE_CHECKSUM=True",
        )
    else:
        if not read_by_anyone:
            yield ok(INCOMING, "refused to strangers; promoted by a copy at its confirm")

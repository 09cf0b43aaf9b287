"""Check what anonymous requests may do in the bucket: read images, and nothing else."""

from collections.abc import Iterator

from broker.doctor import refusal
from broker.doctor.browser import Answer, Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, warn
from broker.doctor.trial import CONTENT_TYPE, PHOTO

READ, LIST, WRITE = "public-read", "public-list", "public-write"
POLICY = "BROKER_S3_BUCKET"


def read(examination: Examination) -> Iterator[Finding]:
    """Read the confirmed photo, as the marketplace's pages do."""
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
            fix=f"set {base} to the address from which browsers read images",
        )
        return
    if not answer.succeeded:
        yield _unreadable(examination, f"{answer.summary} for the image just confirmed")
    elif answer.body != PHOTO and settings.media_url and _type(answer).startswith("image/"):
        yield warn(
            READ,
            "the URL returns another image than was sent; that is fine if a CDN converts images",
            setting=base,
            fix=f"set {base} to the bucket's own base or its CDN's, location included",
        )
    elif answer.body != PHOTO:
        yield fail(
            READ,
            "the URL returns other bytes than were sent",
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
            fix="make sure that nothing between bucket and browser changes Content-Type",
        )
    if _directives(given) != _directives(wanted):
        return fail(
            READ,
            f"images come with Cache-Control {given or 'none'}, not {wanted}",
            setting="BROKER_CACHE_CONTROL",
            fix=f"make sure that {base} passes on the bucket's Cache-Control",
        )
    return ok(READ, f"anyone may read the image, with {CONTENT_TYPE} and {wanted}")


def _unreadable(examination: Examination, status: str) -> Finding:
    trial, settings = examination.trial, examination.settings
    if settings.media_url:
        direct = f"{examination.public_url.rstrip('/')}/{settings.media_location}"
        answer = examination.browser.send("GET", f"{direct}/{trial.image_key}")
        if answer.succeeded:
            return fail(
                READ,
                f"the bucket serves the image to anyone, but {settings.media_url} answers {status}",
                setting="BROKER_MEDIA_URL",
                fix=f"let it lead to {direct}, location included; unset it if there is no CDN",
            )
    return fail(
        READ,
        f"nobody can see images: {status}",
        setting="BROKER_MEDIA_LOCATION",
        fix="broker bucket apply"
        + ("" if settings.s3_endpoint_url else ", and turn off Block Public Access for policies"),
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

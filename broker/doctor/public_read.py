"""Check that anyone can read what is published, as the marketplace's pages do.

With inspection off, this is the photo of the trial. With inspection required, a worker publishes,
so it is the newest image of the database and its smallest variant.
"""

import base64
import hashlib
from collections.abc import Iterator

from broker.db.inspection_probe import Published, newest_published
from broker.db.probe import DatabaseFault
from broker.doctor.browser import BODY_MAX_BYTES, Answer, Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, Outcome, fail, ok, skip, warn

CHECK = "public-read"


def check(examination: Examination) -> Iterator[Finding]:
    """Read each published file: its bytes, Content-Type and Cache-Control."""
    settings = examination.settings
    if settings.limits.inspects:
        public = [one.owner_kind for one in settings.limits.profiles if not one.is_private]
        try:
            examination.published = newest_published(settings.database_url, public)
        except DatabaseFault as fault:
            yield skip(CHECK, f"the newest image cannot be read from the database: {fault}")
            return
    if not examination.published:
        yield skip(CHECK, "no image has been published yet")
        return
    findings = [_read(examination, each) for each in examination.published]
    faults = [one for one in findings if one.outcome is not Outcome.OK]
    yield (faults or findings)[0]


def _read(examination: Examination, file: Published) -> Finding:
    base, media_url = _setting(examination), examination.trial.storage.media_url
    try:
        answer = examination.browser.send("GET", f"{media_url}/{file.key}")
    except Unreachable as error:
        return fail(
            CHECK,
            f"{media_url} does not answer: {error}",
            setting=base,
            fix=f"set {base} to the address from which browsers read images",
        )
    if not answer.succeeded:
        return _unreadable(examination, file, answer)
    if not _has_bytes_of(answer, file):
        converted = examination.settings.media_url and answer.content_type.startswith("image/")
        report = warn if converted else fail
        noted = "; that is fine if a CDN converts images" if converted else ""
        return report(
            CHECK,
            f"{_named(examination, file)} comes with other bytes than were published{noted}",
            setting=base,
            fix=f"set {base} to the bucket's own base or its CDN's, location included",
        )
    return _headers(examination, file, answer)


def _has_bytes_of(answer: Answer, file: Published) -> bool:
    """Compare the digest, or only the length if the file is too large to be read as a whole."""
    if len(answer.body) == BODY_MAX_BYTES:
        return answer.headers.get("Content-Length", str(file.size)) == str(file.size)
    digest = base64.b64encode(hashlib.sha256(answer.body).digest()).decode()
    return len(answer.body) == file.size and file.checksum_sha256 in (None, digest)


def _headers(examination: Examination, file: Published, answer: Answer) -> Finding:
    given, wanted = answer.headers.get("Cache-Control", ""), _cache_control(examination, file)
    name, base = _named(examination, file), _setting(examination)
    if answer.content_type != file.content_type:
        return fail(
            CHECK,
            f"{name} comes with Content-Type {answer.content_type or 'none'},"
            f" not {file.content_type}",
            setting=base,
            fix="make sure that nothing between bucket and browser changes Content-Type",
        )
    if _directives(given) != _directives(wanted):
        older = examination.settings.limits.inspects
        report, noted = (warn, "; it may be older than the setting") if older else (fail, "")
        return report(
            CHECK,
            f"{name} comes with Cache-Control {given or 'none'}, not {wanted}{noted}",
            setting="BROKER_CACHE_CONTROL",
            fix=f"make sure that {base} passes on the bucket's Cache-Control",
        )
    return ok(CHECK, f"anyone may read {name}, with {file.content_type} and {wanted}")


def _cache_control(examination: Examination, file: Published) -> str:
    found = examination.settings.limits.profiles.of_key(file.key)
    return examination.settings.cache_control if found is None else found[0].cache_control


def _unreadable(examination: Examination, file: Published, refused: Answer) -> Finding:
    settings, name = examination.settings, _named(examination, file)
    if settings.media_url:
        direct = f"{examination.public_urls.media.rstrip('/')}/{settings.media_location}"
        answer = examination.browser.send("GET", f"{direct}/{file.key}")
        if answer.succeeded:
            return fail(
                CHECK,
                f"the bucket serves {name} to anyone, but {settings.media_url} answers"
                f" {refused.summary}",
                setting="BROKER_MEDIA_URL",
                fix=f"let it lead to {direct}, location included; unset it if there is no CDN",
            )
    return fail(
        CHECK,
        f"nobody can see images: {refused.summary} for {name}",
        setting="BROKER_MEDIA_LOCATION",
        fix="broker bucket apply"
        + ("" if settings.s3_endpoint_url else ", and turn off Block Public Access for policies"),
    )


def _named(examination: Examination, file: Published) -> str:
    if not examination.settings.limits.inspects:
        return "the image just confirmed"
    kind = "image" if file is examination.published[0] else "variant"
    return f"the newest {kind} {file.key}"


def _setting(examination: Examination) -> str:
    """Return the name of the setting that the address of images comes from."""
    return "BROKER_MEDIA_URL" if examination.settings.media_url else examination.public_setting


def _directives(cache_control: str) -> set[str]:
    return {directive.strip().lower() for directive in cache_control.split(",")}

"""Check that private files are read with the URLs of the second key, and in no other way."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from broker.doctor import refusal
from broker.doctor.examination import Examination
from broker.doctor.exposure import exposed
from broker.doctor.finding import Finding, fail, ok, skip, warn
from broker.doctor.trial import CONTENT_TYPE, PHOTO
from broker.domain.object_keys import beside, written_key
from broker.domain.profiles import PRIVATE, PRIVATE_CACHE_CONTROL
from broker.domain.put_request import put_object_request
from broker.domain.storage_errors import StorageDenied
from broker.domain.transports import transport_named
from broker.storage.private_reader import PrivateReader

READ, KEY = "private-files", "private-key"
SETTING = "BROKER_PRIVATE_ACCESS_KEY_ID"
POLICY = "use a key with the policy from broker bucket iam read-private"
NOT_SET = f"{SETTING} is not set, so no profile is private"


@dataclass(frozen=True)
class PrivateObject:
    """An object below `private/`."""

    key: str
    etag: str


def read(examination: Examination) -> Iterator[Finding]:
    """Read a private object without credentials, and with a URL as its user gets it."""
    reader = examination.probe.storage.private_reader
    if reader is None:
        yield skip(READ, NOT_SET)
        return
    sent = yield from _sent(READ, examination)
    if sent is None:
        return
    private = _private_object(examination, sent)
    if private is None:
        yield skip(READ, "no private file has been published yet")
        return
    fault = exposed(READ, examination, private.key, "private files", etag=private.etag)
    yield fault or _with_url(examination, reader, private)


def key(examination: Examination) -> Iterator[Finding]:
    """Try everything else with the second key. Each attempt must be refused."""
    if examination.probe.storage.private_reader is None:
        yield skip(KEY, NOT_SET)
        return
    sent = yield from _sent(KEY, examination)
    if sent is None:
        return
    storage = examination.probe.with_private_key()
    target = examination.trial.private_key("written.png")
    attempts: dict[str, Callable[[], object]] = {
        "read incoming/": lambda: storage.head(sent),
        "list keys": lambda: next(storage.list_objects(f"{PRIVATE}/"), None),
        "delete": lambda: storage.delete(beside(target)),
    }
    granted = [name for name, attempt in attempts.items() if not _is_denied(attempt)]
    request = put_object_request(
        object_key=target,
        content_type=CONTENT_TYPE,
        cache_control=PRIVATE_CACHE_CONTROL,
        size=len(PHOTO),
        checksum_sha256=None,
        upload_id="doctor",
        acl=None,
        expires_in=60,
    )
    put = storage.presigner.presign_put(request, examination.now())
    answer = examination.browser.send("PUT", put.url, headers=put.headers, body=PHOTO)
    if refusal.granted(answer):
        granted.append("write")
    if granted:
        yield fail(
            KEY,
            f"the key that reads private files may also {', '.join(granted)}",
            setting=SETTING,
            fix=f"{POLICY}; a server's root user is not bound by policies",
        )
    else:
        yield ok(KEY, "it may not read other files, list, write or delete")


def _sent(check: str, examination: Examination) -> Generator[Finding, None, str | None]:
    """Send a photo and return its key below `incoming/`; yield a failure if it is refused."""
    trial = examination.trial
    transport = transport_named(examination.settings.limits.default_transport)
    ticket = trial.issue(transport)
    answer = trial.send(ticket, refusal.origin(examination))
    if answer.succeeded:
        return written_key(trial.limits, ticket.upload)
    yield refusal.of_upload(check, examination, answer, transport)
    return None


def _private_object(examination: Examination, sent: str) -> PrivateObject | None:
    """Copy the photo to a private key if the API may do so, or return a published file."""
    storage, wanted = examination.trial.storage, examination.trial.private_key("doctor.png")
    try:
        etag = storage.copy(
            sent, wanted, source=storage.head(sent), cache_control=PRIVATE_CACHE_CONTROL, acl=None
        )
    except StorageDenied:
        listed = next(storage.list_objects(f"{PRIVATE}/"), None)
        return None if listed is None else PrivateObject(listed.key, listed.etag)
    return PrivateObject(wanted, etag)


def _with_url(examination: Examination, reader: PrivateReader, private: PrivateObject) -> Finding:
    """Download the first byte with a presigned URL."""
    signed = reader.url(
        private.key, file_name="doctor.bin", content_type=CONTENT_TYPE, now=examination.now()
    )
    answer = examination.browser.send("GET", signed.url, headers={"Range": "bytes=0-0"})
    if not answer.succeeded:
        return fail(
            READ,
            f"private files cannot be downloaded: {answer.summary}",
            setting=SETTING,
            fix=POLICY,
        )
    disposition = answer.headers.get("Content-Disposition", "")
    if not disposition.startswith("attachment") or answer.content_type != CONTENT_TYPE:
        return warn(
            READ,
            "this server ignores response-content-disposition and response-content-type, so"
            " browsers may display private files",
            setting="BROKER_S3_ENDPOINT_URL",
            fix="use an S3 server that supports the response-* parameters of GetObject"
            " (docs/s3-servers.md)",
        )
    return ok(READ, "refused without credentials; downloaded with a presigned URL")


def _is_denied(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except StorageDenied:
        return True
    return False

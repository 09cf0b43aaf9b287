"""One file's way from its declaration to its image, new or begun before."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from broker_client.calls import Rules
from broker_client.errors import (
    BrokerError,
    ClientError,
    NotFound,
    ObjectMismatch,
    ObjectMissing,
    S3Refused,
    UploadGone,
    WrongFile,
)
from broker_client.files import FileToSend, Meter, OnProgress, Owner
from broker_client.journal import Entry, Journal
from broker_client.models import Image
from broker_client.parts import Multipart
from broker_client.source import Source
from broker_client.steps import Steps, run
from broker_client.tickets import Held, ask_one, renew
from broker_client.whole import confirm, send_whole


@dataclass(kw_only=True)
class Job:
    """One file under way; `held` is a ticket that a batch has brought already."""

    index: int
    file: FileToSend
    owner: Owner
    tell: OnProgress | None
    source: Source | None = None
    held: Held | None = None
    upload_id: str | None = None

    def open(self) -> None:
        """Open the file and take its digest; raises OSError, UnknownType."""
        self.file.require_type()  # first: it costs nothing, the digest of a large file does
        self.source = Source.open(self.file.file)

    @property
    def opened(self) -> Source:
        """Give the open file."""
        if self.source is None:
            raise RuntimeError("a job is opened before it is done")
        return self.source


def deliver(rules: Rules, journal: Journal, job: Job) -> Steps[Image]:
    """Upload one file, going on with what the journal knows of it.

    An upload that has expired meanwhile is begun anew, once. The journal forgets what has
    arrived, and what was refused for good; after anything else the next run goes on from there.

    Raises:
        BrokerError, S3Refused, NetworkError, FileChanged, OSError.
    """
    declared = job.file.declared(job.opened, for_ad=job.owner.is_ad)
    stands_for = [rules.base_url, job.owner.path, json.dumps(declared, sort_keys=True)]
    key = hashlib.sha256("\n".join(stands_for).encode()).hexdigest()
    anew = False
    while True:
        entry = yield from run(partial(journal.begin, key))
        try:
            if job.held is None and entry.upload_id is not None:
                image = yield from go_on(rules, entry.upload_id, job)
            else:
                held, job.held = job.held, None
                if held is None:
                    held = yield from ask_one(rules, job.owner, declared, entry.idempotency_key)
                known = replace(entry, upload_id=held.ticket.id)
                yield from run(partial(journal.issued, key, known))
                image = yield from _recorded(rules, held.ticket.id, _send(rules, held, job))
        except ClientError as error:
            if _is_final(error):
                yield from run(partial(journal.forget, key))
            if anew or not _is_over(error, entry):
                raise
            anew = True
            continue
        yield from run(partial(journal.done, key))
        return image


def go_on(rules: Rules, upload_id: str, job: Job) -> Steps[Image]:
    """Finish an upload that was begun before, by its id: only what is missing is sent.

    Raises:
        WrongFile: the upload was declared for another file.
        NotFound, UploadGone, ObjectMismatch: it cannot be finished.
    """
    job.upload_id = upload_id
    found = yield from rules.call("GET", f"/api/uploads/{upload_id}/")
    source = job.opened
    for name in ("size", "checksum_sha256"):
        if found[name] not in (None, getattr(source, name)):
            raise WrongFile(f"{source.name} is not the file of upload {upload_id}")
    if found["state"] != "pending":
        return (yield from confirm(rules, upload_id))
    return (yield from _recorded(rules, upload_id, _finish(rules, found, job)))


def _recorded(rules: Rules, upload_id: str, steps: Steps[Image]) -> Steps[Image]:
    """Give the image, also where it was recorded on the way.

    An answer was lost, and then the bucket's event or another sender was faster.
    """
    try:
        return (yield from steps)
    except BrokerError as error:
        if error.code != "upload_settled":
            raise
    return (yield from confirm(rules, upload_id))


def _finish(rules: Rules, found: Mapping[str, Any], job: Job) -> Steps[Image]:
    upload_id = found["id"]
    if found["transport"] == "multipart":
        return (yield from _parts(rules, upload_id, job).send())
    try:
        body = yield from rules.call("POST", f"/api/uploads/{upload_id}/confirm/")
        return Image.read(body)
    except ObjectMissing:
        held = yield from renew(rules, upload_id)
    return (yield from _send(rules, held, job))


def _send(rules: Rules, held: Held, job: Job) -> Steps[Image]:
    job.upload_id = held.ticket.id
    if held.ticket.method == "MULTIPART":
        return (yield from _parts(rules, held.ticket.id, job).send())
    source = job.opened
    meter = Meter(job.index, source.size, job.tell)
    return (yield from send_whole(rules, held, source, meter))


def _parts(rules: Rules, upload_id: str, job: Job) -> Multipart:
    source = job.opened
    meter = Meter(job.index, source.size, job.tell)
    return Multipart(rules=rules, upload_id=upload_id, source=source, meter=meter)


def _is_final(error: ClientError) -> bool:
    """Tell an error that going on with the same upload cannot mend."""
    if isinstance(error, BrokerError):
        if error.code == "unexpected_answer":
            return False  # a proxy's: it says nothing of the upload
        return 400 <= error.status < 500 and error.status not in (401, 409, 429)
    return isinstance(error, WrongFile) or (
        isinstance(error, S3Refused) and error.action == "give_up"
    )


def _is_over(error: ClientError, entry: Entry) -> bool:
    """Tell an upload that has ended, where a new ticket for the same file may do."""
    if isinstance(error, BrokerError) and error.code == "unexpected_answer":
        return False
    if isinstance(error, UploadGone):
        return True
    return entry.upload_id is not None and isinstance(error, NotFound | ObjectMismatch | WrongFile)

"""Apply one aspect of a bucket and report the result."""

import difflib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from broker.domain.s3_servers import S3Server
from broker.domain.storage_errors import StorageUnavailable
from broker.storage.bucket_setup.aspect import Aspect
from broker.storage.bucket_setup.canonical import same
from broker.storage.bucket_setup.consequences import CONSEQUENCES
from broker.storage.bucket_setup.reading import (
    CREDENTIALS,
    Found,
    is_denied,
    is_expected,
    is_not_supported,
    reason,
)
from broker.storage.translation import translate

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Outcome(StrEnum):
    """What happened to an aspect."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    WOULD_CHANGE = "would change"
    NOT_SUPPORTED = "not supported by this server"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Step:
    """The result for one aspect.

    Attributes:
        title: the name that the operator sees.
        outcome: what happened.
        diff: the changed lines, as a unified diff of JSON.
        reason: the server's answer, if the outcome is FAILED; what follows, if NOT_SUPPORTED is
            unexpected.
    """

    title: str
    outcome: Outcome
    diff: tuple[str, ...] = ()
    reason: str | None = None


def apply_one(
    client: "S3Client",
    bucket: str,
    aspect: Aspect,
    found: Found,
    server: S3Server,
    *,
    dry_run: bool,
) -> Step:
    """Change an aspect if it differs, or only report the difference.

    Raises:
        ClientError: the server is unavailable. Any other error becomes the result.
    """
    title = aspect.title
    if not found.supported:
        return _missing(aspect, server)
    if found.unreadable is not None:
        return Step(title=title, outcome=Outcome.FAILED, reason=found.unreadable)
    wanted = aspect.wanted(found.value)
    if same(wanted, found.value):
        return Step(title=title, outcome=Outcome.UNCHANGED)
    diff = _diff(found.value, wanted)
    if dry_run:
        return Step(title=title, outcome=Outcome.WOULD_CHANGE, diff=diff)
    try:
        aspect.write(client, bucket, wanted)
    except ClientError as error:
        if is_not_supported(error, aspect) or is_expected(error, aspect):
            return _missing(aspect, server)
        if isinstance(translate(error), StorageUnavailable):
            raise
        why = f"{reason(error)}. {CREDENTIALS}" if is_denied(error) else reason(error)
        return Step(title=title, outcome=Outcome.FAILED, reason=why)
    return Step(title=title, outcome=Outcome.CHANGED, diff=diff)


def _missing(aspect: Aspect, server: S3Server) -> Step:
    """Return the result for a feature that the server lacks; warn if its row has this feature."""
    reason = None
    if server.lacks is not None and not aspect.is_lacking:
        consequence = CONSEQUENCES[aspect.feature]
        reason = f"unexpected of {server.title} (BROKER_S3_SERVER={server.name}): {consequence}"
    return Step(title=aspect.title, outcome=Outcome.NOT_SUPPORTED, reason=reason)


def _diff(found: Any, wanted: Any) -> tuple[str, ...]:
    old, new = (
        json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False).splitlines()
        for value in (found, wanted)
    )
    lines = difflib.unified_diff(old, new, n=1, lineterm="")
    return tuple(line for line in lines if not line.startswith(("---", "+++", "@@")))

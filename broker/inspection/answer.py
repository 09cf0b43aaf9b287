"""The answer of the child process, as JSON. The parent believes none of it.

A file from a stranger may have taken the child over. So the answer may name only regular files
directly in the job's directory, of the size and digest that it states, of types and dimensions
that are possible for the request.
"""

import base64
import binascii
import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from broker.domain.media_types import EXTENSIONS, VARIANT, published_type
from broker.domain.rejections import RejectionReason
from broker.inspection.confinement import Confinement
from broker.inspection.inspected import Inspected, OutputFile, Rejected, Request

MAX_ANSWER_BYTES = 64 * 1024
MAX_DETAIL = 300
MAX_THUMBHASH_BYTES = 64
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a child process has given up, and which types of images it can inspect."""

    confinement: Confinement
    content_types: tuple[str, ...]


class InvalidAnswer(Exception):
    """The child answered something that no working child answers."""


def inspected_answer(inspected: Inspected) -> dict[str, Any]:
    """Return the answer for an image that may be published."""
    answer = asdict(inspected)
    for file in (answer["image"], *answer["variants"]):
        file["path"] = file["path"].name
    return {"inspected": answer}


def rejected_answer(rejected: Rejected) -> dict[str, Any]:
    """Return the answer for a file that must not be published."""
    return {"rejected": {"reason": rejected.reason, "detail": str(rejected)[:MAX_DETAIL]}}


def read_description(text: bytes) -> Description:
    """Return what a child says about itself, before it reads any file."""
    values = _parse(text)
    confinement = _object(values.get("confinement"))
    kinds = {kind.name: confinement.get(kind.name) is True for kind in fields(Confinement)}
    content_types = values.get("content_types")
    if not isinstance(content_types, list):
        raise InvalidAnswer("content_types")
    return Description(
        confinement=Confinement(**kinds),
        content_types=tuple(one for one in EXTENSIONS if one in content_types),
    )


def read_inspected(text: bytes, request: Request) -> Inspected:
    """Return the result in an answer.

    Raises:
        Rejected: the child rejected the file.
        InvalidAnswer: a value is impossible.
    """
    answer = _parse(text)
    if "rejected" in answer:
        raise _rejected(_object(answer["rejected"]))
    values = _object(answer.get("inspected"))
    image = _file(values.get("image"), request)
    _check(image.content_type == published_type(request.content_type), "type of image")
    variants = values.get("variants")
    if not isinstance(variants, list) or len(variants) > len(request.variant_widths):
        raise InvalidAnswer("variants")
    files = tuple(_file(variant, request) for variant in variants)
    widths = [file.width for file in files]
    _check(widths == sorted(set(widths)) and max(widths, default=0) < image.width, "widths")
    _check(set(widths) <= set(request.variant_widths), "widths")
    _check(all(file.content_type == VARIANT for file in files), "type of variant")
    _check(len({image.path, *(file.path for file in files)}) == len(files) + 1, "paths")
    return Inspected(image=image, thumbhash=_thumbhash(values.get("thumbhash")), variants=files)


def _rejected(values: Mapping[str, Any]) -> Rejected:
    reason, detail = values.get("reason"), values.get("detail")
    if reason not in list(RejectionReason) or not isinstance(detail, str):
        raise InvalidAnswer("rejected")
    return Rejected(RejectionReason(reason), printable(detail)[:MAX_DETAIL])


def printable(text: str) -> str:
    """Return the text without control characters, for logs."""
    return "".join(char if char.isprintable() else " " for char in text).strip()


def _file(value: object, request: Request) -> OutputFile:
    values = _object(value)
    name, content_type = values.get("path"), values.get("content_type")
    width, height, size = (values.get(name) for name in ("width", "height", "size"))
    if not isinstance(name, str) or not isinstance(content_type, str):
        raise InvalidAnswer("path or content_type")
    if not (type(width) is type(height) is type(size) is int):
        raise InvalidAnswer("width, height or size")
    _check(width > 0 and height > 0 and width * height <= request.max_pixels, "dimensions")
    _check(_NAME.fullmatch(name) is not None, "path")
    path = request.directory / name
    digest, actual_size = _digest(path)
    _check(size == actual_size > 0, "size")
    _check(values.get("checksum_sha256") == digest, "checksum_sha256")
    return OutputFile(
        path=path,
        content_type=content_type,
        width=width,
        height=height,
        size=size,
        checksum_sha256=digest,
    )


def _digest(path: Path) -> tuple[str, int]:
    """Return the SHA-256 in base64, and the size, of a file that has only this name.

    The bucket would refuse a wrong digest, but as an error of the bucket, which is tried again.
    """
    try:
        # A FIFO would block an open that waits for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise InvalidAnswer(f"file: {error.strerror}") from None
    try:
        status = os.fstat(descriptor)
        # A hard link could publish a file that the child was not allowed to read.
        _check(stat.S_ISREG(status.st_mode) and status.st_nlink == 1, "kind of file")
        with open(descriptor, "rb", closefd=False) as stream:
            digest = hashlib.file_digest(stream, "sha256").digest()
    finally:
        os.close(descriptor)
    return base64.b64encode(digest).decode(), status.st_size


def _thumbhash(value: object) -> str:
    try:
        if isinstance(value, str) and 0 < len(base64.b64decode(value, validate=True)) <= 64:
            return value
    except (binascii.Error, ValueError):
        pass
    raise InvalidAnswer("thumbhash")


def _parse(text: bytes) -> dict[str, Any]:
    try:
        return _object(json.loads(text))
    except (ValueError, RecursionError):
        raise InvalidAnswer("not JSON") from None


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidAnswer("not an object")
    return value


def _check(condition: bool, name: str) -> None:
    if not condition:
        raise InvalidAnswer(name)

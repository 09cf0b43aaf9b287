"""A section of the file of profiles: its keys, and what the value of each must be.

What the keys must be together is in `profile_rules.py`.
"""

import json
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from broker.config.values import (
    MAX_COUNT,
    MaxBytes,
    MaxFrames,
    MaxPixels,
    MultipartTtl,
    PutTtl,
    TicketTtl,
    ascending_widths,
    one_line,
)
from broker.domain.content_types import is_content_type, may_run
from broker.domain.media_types import ALL_ALIASES
from broker.domain.object_keys import NOT_PUBLIC
from broker.domain.profiles import OWNER

MAX_TYPES = 100
QUOTED_MAX = 100
# An owner has up to 64 characters, a file name 69 and an extension; a key has up to 255.
PREFIX_MAX = 100
_PREFIX = re.compile(r"(?:[a-z0-9_-]+/)+[a-z0-9_-]*")
_SIZE = re.compile(r"([0-9]{1,15}) ?(B|kB|MB|GB|KiB|MiB|GiB)")
_UNITS = {
    "B": 1,
    **{"kB": 1000, "MB": 1000**2, "GB": 1000**3},
    **{"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3},
}


def quoted(text: str) -> str:
    """Return a text of the file in quotation marks, in one line of ASCII and not too long."""
    return json.dumps(text if len(text) <= QUOTED_MAX else text[:QUOTED_MAX] + "...")


def _size(value: object) -> object:
    if not isinstance(value, str):
        return value
    size = _SIZE.fullmatch(value)
    if size is None:
        raise ValueError('must be a number of bytes, or text such as "64MiB" or "8 MB"')
    return int(size[1]) * _UNITS[size[2]]


def _tuple(value: object) -> object:
    if not isinstance(value, list):
        raise ValueError("must be a list, in [ ]")
    return tuple(value)


def _prefix(value: str) -> str:
    prefix = value.removesuffix(f"{OWNER}/")
    if prefix == value or not _PREFIX.fullmatch(prefix) or len(prefix) > PREFIX_MAX:
        raise ValueError(
            'must be a folder and end with "{owner}/", such as "products/product_{owner}/": '
            f"at most {PREFIX_MAX} characters of a-z, 0-9, _, - and / before it"
        )
    if prefix.split("/")[0] in NOT_PUBLIC:
        raise ValueError(f"must not begin with {' or '.join(f'{one}/' for one in NOT_PUBLIC)}")
    return prefix


def _content_type(value: str) -> str:
    if not is_content_type(value):
        raise ValueError(
            f"{quoted(value)} must be a content type in lower case without parameters, such as "
            '"application/pdf"'
        )
    if value in ALL_ALIASES:
        raise ValueError(f"{quoted(value)} is another name; write {quoted(ALL_ALIASES[value])}")
    if may_run(value):
        raise ValueError(
            f"{quoted(value)} is refused, because browsers may run scripts in such files"
        )
    return value


def _different(value: tuple[str, ...]) -> tuple[str, ...]:
    for content_type in value:
        if value.count(content_type) > 1:
            raise ValueError(f"{quoted(content_type)} must not be repeated")
    return value


class Section(BaseModel):
    """The keys of a section; those that it leaves out are None."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True)

    owners: Literal["table", "token"] | None = None
    prefix: Annotated[str, AfterValidator(_prefix)] | None = None
    content_types: (
        Annotated[
            tuple[Annotated[str, AfterValidator(_content_type)], ...],
            BeforeValidator(_tuple),
            Field(min_length=1, max_length=MAX_TYPES),
            AfterValidator(_different),
        ]
        | None
    ) = None
    max_bytes: Annotated[MaxBytes, BeforeValidator(_size)] | None = None
    max_count: Annotated[int, Field(ge=0, le=MAX_COUNT)] | None = None
    keeps_one: bool | None = None
    visibility: Literal["public", "private"] | None = None
    inspection: Literal["required", "off"] | None = None
    variants: (
        Annotated[tuple[int, ...], BeforeValidator(_tuple), AfterValidator(ascending_widths)] | None
    ) = None
    max_pixels: MaxPixels | None = None
    max_frames: MaxFrames | None = None
    cache_control: Annotated[str, Field(min_length=1), AfterValidator(one_line)] | None = None
    ticket_ttl: TicketTtl | None = None
    put_ttl: PutTtl | None = None
    multipart_ttl: MultipartTtl | None = None

"""Fields that only decorate a photo: file names, alt texts and Uppy's metadata.

They are cleaned instead of refused. Uppy's users cannot see why its metadata was refused, so
unusable metadata is ignored.
"""

import re
from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from broker.domain.decoration import ALT_TEXT_MAX, NAME_MAX, ORDER_MAX, clean_line, clean_name
from schemas.fields import is_plain_text, whole

# Uppy 6 writes these into the query of a form if a field of the metadata is not set.
_UNSET = frozenset({"null", "undefined"})


class FileName(fields.String):
    """A file name of any length, with any characters. Only its stem and extension are used."""

    def __init__(self, **kwargs: Any) -> None:
        description = (
            "Only letters and digits of it go into the object key. Folders, control characters "
            "and marks of the writing direction are removed, then the last "
            f"{NAME_MAX} characters are used."
        )
        super().__init__(metadata={"description": description}, **kwargs)

    def loads_unchanged(self, value: Any) -> bool:
        """See FastField."""
        return is_plain_text(value, 0, NAME_MAX) and clean_name(value) == value

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        return clean_name(value)


class AltText(fields.String):
    """An alt text. Control characters are removed; a text that is too long is refused."""

    def __init__(self, **kwargs: Any) -> None:
        description = (
            "Line breaks become spaces. Other control characters are removed. More than "
            f"{ALT_TEXT_MAX} characters are refused with 422."
        )
        super().__init__(
            validate=validate.Length(max=ALT_TEXT_MAX),
            metadata={"description": description},
            **kwargs,
        )

    def loads_unchanged(self, value: Any) -> bool:
        """See FastField."""
        return is_plain_text(value, 0, ALT_TEXT_MAX)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        return clean_line(value)


class MetaAltText(fields.Raw):
    """An alt text in Uppy's metadata: cleaned and cut. A value that is not a string is ignored."""

    def deserialize(
        self,
        value: Any,
        attr: str | None = None,
        data: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> str:
        """Return the alt text, or an empty string."""
        is_set = isinstance(value, str) and value not in _UNSET
        return clean_line(value)[:ALT_TEXT_MAX] if is_set else ""


class MetaOrder(fields.Raw):
    """An order in Uppy's metadata: a number, or a string of digits. Other values are ignored."""

    def deserialize(
        self,
        value: Any,
        attr: str | None = None,
        data: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> int:
        """Return the order, or 0."""
        is_number = isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value)
        found = int(value) if is_number else whole(value)
        return found if found is not None and 0 <= found <= ORDER_MAX else 0


class MetaFields(fields.Nested):
    """Uppy's metadata. If it is missing or null, no field of it is set."""

    def deserialize(
        self,
        value: Any,
        attr: str | None = None,
        data: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Return the fields that are stored."""
        is_unset = value is ma.missing or value is None
        return super().deserialize({} if is_unset else value, attr, data, **kwargs)

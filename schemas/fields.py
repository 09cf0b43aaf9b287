"""Strict fields: a JSON value of the wrong type is refused, never converted."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar

from marshmallow import Schema, ValidationError, fields, validate

from broker.domain.times import rfc3339
from schemas.fast_check import NOT_LOADED, FastSchema

BIGINT_MAX = 2**63 - 1
PAGE_MAX = 100
_EXACT_MAX = 2**53  # up to this value, floats represent all integers exactly
_BIDI_CONTROLS = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
# For the patterns in the OpenAPI document, in the syntax of ECMA-262.
CONTROLS = r"\u0000-\u001f\u007f-\u009f"
_CONTROLS_IN_LINES = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f"
_BIDI = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_PRICE = re.compile(r"[0-9]{1,10}(\.[0-9]{1,2})?")


class StrictSchema(FastSchema):
    """A schema that refuses unknown fields."""

    class Meta:
        unknown = "raise"
        ordered = True


class Answer(Schema):
    """A response. All fields except `OPTIONAL` are always present. Fields may be added later."""

    OPTIONAL: ClassVar[frozenset[str]] = frozenset()

    class Meta:
        unknown = "exclude"

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Mark the field as required in the OpenAPI document."""
        field_obj.required = field_name not in self.OPTIONAL


@cache
def the(schema: type[Schema]) -> Schema:
    """Return the only instance of a schema. Creating an instance takes longer than dumping."""
    return schema()


def whole(value: Any) -> int | None:
    """Return an integer as JSON Schema defines it (1.0 is an integer), or None for other values."""
    if type(value) is float and value.is_integer() and abs(value) <= _EXACT_MAX:
        return int(value)
    return value if type(value) is int else None


class Int(fields.Integer):
    """An integer from `low` to `high`."""

    def __init__(self, *, low: int, high: int = BIGINT_MAX, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(low, high), **kwargs)
        self.low, self.high = low, high

    def loads_unchanged(self, value: Any) -> bool:
        """See FastField."""
        return type(value) is int and self.low <= value <= self.high

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        found = whole(value)
        if found is None:
            raise self.make_error("invalid")
        return found


class QueryInt(fields.Integer):
    """An integer in a query, in decimal digits."""

    def __init__(self, *, low: int, high: int = BIGINT_MAX, **kwargs: Any) -> None:
        super().__init__(validate=validate.Range(low, high), **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,19}", value):
            raise self.make_error("invalid")
        return int(value)


class Bool(fields.Boolean):
    """A JSON boolean: not 1, not "yes"."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Cursor(fields.String):
    """The cursor of a page, in a query."""

    def __init__(self, **kwargs: Any) -> None:
        text = "The `next_cursor` of the previous page."
        super().__init__(metadata={"format": "cursor", "description": text}, **kwargs)


class QueryBool(fields.Boolean):
    """`true` or `false` in a query."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> bool:
        if value not in ("true", "false"):
            raise self.make_error("invalid", input=value)
        return bool(value == "true")


def is_plain_text(value: Any, low: int, high: int) -> bool:
    """Check whether a value is printable ASCII of `low` to `high` characters."""
    return (
        type(value) is str and low <= len(value) <= high and value.isascii() and value.isprintable()
    )


class TextField(fields.String):
    """Text that both databases can store and that fits in a line of a log.

    NUL, lone surrogates and control characters are refused. `multiline` allows line breaks and
    tabs. `name` also refuses control characters for the writing direction.
    """

    def __init__(
        self,
        *,
        low: int = 0,
        high: int,
        multiline: bool = False,
        name: bool = False,
        **kwargs: Any,
    ) -> None:
        unwanted = (_CONTROLS_IN_LINES if multiline else CONTROLS) + (_BIDI if name else "")
        metadata = {"pattern": f"^[^{unwanted}]*$", **kwargs.pop("metadata", {})}
        super().__init__(validate=validate.Length(low, high), metadata=metadata, **kwargs)
        self.low, self.high = low, high
        self.multiline = multiline
        self.is_name = name

    def loads_unchanged(self, value: Any) -> bool:
        """See FastField."""
        return is_plain_text(value, self.low, self.high)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if value.isascii() and value.isprintable():
            return value
        for character in value:
            if unicodedata.category(character) in ("Cc", "Cs") and not (
                self.multiline and character in "\n\r\t"
            ):
                raise ValidationError("Contains a control character or a lone surrogate.")
            if self.is_name and character in _BIDI_CONTROLS:
                raise ValidationError("Contains a control character for the writing direction.")
        return value


class Several(fields.List[Any]):
    """A list that checks its length first. If the length is wrong, the items are not checked.

    marshmallow loads every item first. A body of 1 MiB can contain half a million items, and
    reporting the errors of all items took 13 seconds and a response of 40 MB.
    """

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[Any]:
        if isinstance(value, list):
            self._validate(value)
            loaded = self._load_fast(value)
            if loaded is not None:
                return loaded
        return super()._deserialize(value, attr, data, **kwargs)

    def _load_fast(self, items: list[Any]) -> list[Any] | None:
        """Return the loaded items; None if marshmallow must load one of them."""
        schema = self.inner.schema if isinstance(self.inner, fields.Nested) else None
        if not isinstance(schema, FastSchema):
            return None
        loaded = [schema.load_fast(item) for item in items]
        return None if any(item is NOT_LOADED for item in loaded) else loaded


class Choice(fields.String):
    """One of several strings."""

    def __init__(self, choices: Collection[str], **kwargs: Any) -> None:
        super().__init__(validate=validate.OneOf(choices), **kwargs)
        self.choices = frozenset(choices)

    def loads_unchanged(self, value: Any) -> bool:
        """See FastField."""
        return type(value) is str and value in self.choices


class Money(fields.Field[Decimal]):
    """An amount as a decimal string, such as "850.00"."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"type": "string", "pattern": f"^{_PRICE.pattern}$"}, **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else f"{value:.2f}"

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Decimal:
        if not isinstance(value, str) or not _PRICE.fullmatch(value):
            raise ValidationError('Must be a decimal string such as "850.00".')
        return Decimal(value)


class Time(fields.AwareDateTime):
    """A time in RFC 3339 format, in UTC with `Z`."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else rfc3339(value)

"""Ads, in the JSON format of the marketplace."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields

from broker.domain.subjects import SUBJECT_MAX, subject_of
from schemas.fields import (
    BIGINT_MAX,
    CONTROLS,
    PAGE_MAX,
    Answer,
    Bool,
    Cursor,
    Money,
    QueryBool,
    QueryInt,
    StrictSchema,
    TextField,
    Time,
    whole,
)
from schemas.images import Image


class SubjectField(fields.Field[str]):
    """A user by the subject of their tokens. An integer counts as its decimal string."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {
            "type": ["string", "integer"],
            "minLength": 1,
            "maxLength": SUBJECT_MAX,
            "pattern": f"^[^{CONTROLS}]*$",
            "minimum": 1,
            "maximum": BIGINT_MAX,
            "description": "The subject of the user's tokens.",
        }
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        number = whole(value)
        in_range = number is None or 1 <= number <= BIGINT_MAX
        subject = subject_of(value if number is None else number) if in_range else None
        if subject is None:
            raise ValidationError(
                f"Must be the subject of a user's tokens: 1 to {SUBJECT_MAX} characters, or an"
                " integer from 1."
            )
        return subject


class OwnerInfo(Answer):
    """The seller in an ad. Only the seller and services see `subject` and `email`."""

    id = fields.Integer()
    subject = fields.String(allow_none=True)
    email = fields.String(allow_none=True)
    name = fields.String()


class Ad(Answer):
    """An ad with its images, the main image first."""

    id = fields.Integer()
    title = fields.String()
    description = fields.String()
    price = Money()
    is_active = fields.Boolean()
    is_sold = fields.Boolean()
    owner = fields.Integer()
    owner_info = fields.Nested(OwnerInfo)
    main_image_url = fields.String(allow_none=True)
    images = fields.List(fields.Nested(Image))
    created_at = Time()
    updated_at = Time()


class NewAd(StrictSchema):
    """The fields of a new ad."""

    title = TextField(low=1, high=200, required=True)
    description = TextField(high=5000, multiline=True, load_default="")
    price = Money(required=True)
    is_active = Bool(load_default=True)


class WholeAd(NewAd):
    """All fields of an ad, as a service puts it. A field that is left out gets its default."""

    owner = SubjectField(required=True)
    is_sold = Bool(load_default=False)


class AdChanges(StrictSchema):
    """The fields of an ad that its owner can change."""

    title = TextField(low=1, high=200)
    description = TextField(high=5000, multiline=True)
    price = Money()
    is_active = Bool()


class AdQuery(StrictSchema):
    """The filters and the page of a list of ads."""

    owner = QueryInt(low=1)
    is_active = QueryBool()
    is_sold = QueryBool()
    limit = QueryInt(low=1, high=PAGE_MAX, load_default=20)
    cursor = Cursor()


class AdPage(Answer):
    """A page of ads, newest first. `next_cursor` is null on the last page."""

    results = fields.List(fields.Nested(Ad))
    next_cursor = fields.String(allow_none=True)

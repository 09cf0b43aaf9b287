"""Ads, in the JSON format of the marketplace."""

from marshmallow import fields

from schemas.fields import (
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
)
from schemas.images import Image


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

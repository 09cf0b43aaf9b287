"""Events, and all published files."""

from marshmallow import fields

from schemas.fields import PAGE_MAX, Answer, Cursor, QueryInt, StrictSchema
from schemas.images import Rendition

_TIME = {"format": "date-time"}


class EventUser(Answer):
    """A user, by the broker's id and by the subject of the user's tokens."""

    id = fields.Integer()
    subject = fields.String()


class EventUpload(Answer):
    """The upload that an event is about."""

    id = fields.String(metadata={"format": "uuid"})
    state = fields.String(metadata={"description": "`confirmed`, `rejected` or `expired`."})
    reason = fields.String(
        allow_none=True,
        metadata={
            "description": "Why it was rejected: a reason of the worker, or `object_mismatch` if "
            "the object was not the declared file."
        },
    )


class EventImage(Rendition):
    """The whole state of an image, or of a private file."""

    id = fields.Integer()
    image = fields.String(metadata={"description": "Object key without the location."})
    image_url = fields.String(allow_none=True, metadata={"description": "Null if it is private."})
    alt_text = fields.String()
    order = fields.Integer()
    content_type = fields.String()
    size = fields.Integer(metadata={"description": "Bytes."})
    checksum_sha256 = fields.String(allow_none=True)
    created_at = fields.String(metadata=_TIME)


class EventData(Answer):
    """What an event is about, and its whole state."""

    profile = fields.String()
    owner = fields.String(metadata={"description": "Always a string, also for ads and users."})
    user = fields.Nested(
        EventUser,
        allow_none=True,
        metadata={"description": "The upload's user. Null for adopted images."},
    )
    upload = fields.Nested(EventUpload, allow_none=True)
    image = fields.Nested(
        EventImage,
        allow_none=True,
        metadata={"description": "Null if the event is not about an image."},
    )
    removed_urls = fields.List(
        fields.String(),
        metadata={"description": "URLs that no longer exist, to be purged from caches."},
    )


class Event(Answer):
    """What became true. Keep the greatest `sequence` of each image or upload."""

    id = fields.String(metadata={"format": "uuid"})
    sequence = fields.Integer()
    type = fields.String(
        metadata={
            "description": "`image.ready`, `image.rejected`, `image.updated`, `image.deleted`, "
            "`upload.expired` or `owner.erased`. Later versions may add others."
        }
    )
    timestamp = fields.String(metadata=_TIME)
    data = fields.Nested(EventData)


class EventPage(Answer):
    """A page of events. Send `next_cursor` as `after` the next time, also if there are none."""

    results = fields.List(fields.Nested(Event))
    next_cursor = fields.String()
    sequence = fields.Integer(
        metadata={
            "description": "The greatest sequence up to `next_cursor`. After `latest` and "
            "`/api/files/`, ignore events up to it: an older event may still be pushed."
        }
    )


class EventPageQuery(StrictSchema):
    """The position of a reader of the feed."""

    limit = QueryInt(low=1, high=PAGE_MAX, load_default=PAGE_MAX)
    after = fields.String(
        metadata={
            "format": "feed-cursor",
            "description": "The `next_cursor` of the previous page, or `latest` for the cursor "
            "after all events so far. Without it, the feed begins with the oldest event.",
        }
    )


class AllFilesPage(Answer):
    """A page of files, oldest first. `next_cursor` is null on the last page."""

    results = fields.List(fields.Nested(EventData))
    next_cursor = fields.String(allow_none=True)


class AllFilesQuery(StrictSchema):
    """A page of the list of all files."""

    limit = QueryInt(low=1, high=PAGE_MAX, load_default=PAGE_MAX)
    profile = fields.String(metadata={"description": "Only the files of this profile."})
    after = Cursor()

"""The published files of an owner, public or private."""

from marshmallow import fields

from schemas.fields import PAGE_MAX, Answer, Cursor, QueryInt, StrictSchema, Time
from schemas.images import Rendition


class File(Rendition):
    """A published file: an image, or a document of a private profile."""

    id = fields.Integer()
    key = fields.String(metadata={"description": "Object key without the location."})
    url = fields.String(
        allow_none=True,
        metadata={
            "description": "Where to read the file. For a private profile it is a presigned URL "
            "that anyone who has it can use until `url_expires_at`; request the list again for a "
            "new one. Null in the answer to a change if the caller may not read."
        },
    )
    url_expires_at = Time(allow_none=True, metadata={"description": "Null for a public profile."})
    file_name = fields.String(
        allow_none=True,
        metadata={
            "description": "As the client named the file. Null for callers without a right to the "
            "owner's files."
        },
    )
    content_type = fields.String()
    size = fields.Integer(metadata={"description": "Bytes."})
    checksum_sha256 = fields.String(
        allow_none=True, metadata={"description": "base64 of the file's SHA-256, if it is known."}
    )
    alt_text = fields.String()
    order = fields.Integer()
    created_at = Time()


class FilePage(Answer):
    """A page of files by order, then by time. `next_cursor` is null on the last page."""

    results = fields.List(fields.Nested(File))
    next_cursor = fields.String(allow_none=True)


class FilePageQuery(StrictSchema):
    """A page of a list of files."""

    limit = QueryInt(low=1, high=PAGE_MAX, load_default=50)
    cursor = Cursor()

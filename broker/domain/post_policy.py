"""What a POST policy says, before it is signed.

S3 API: "Creating an HTML form (using AWS Signature Version 4)". Every field is an `eq`
condition, nothing is `starts-with`, and `${filename}` is never used; so a form can write
exactly one key, length, type and, where a digest is given, exactly one content.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

Condition = dict[str, str] | list[str | int]


@dataclass(frozen=True, kw_only=True)
class PostForm:
    """An unsigned form: `fields` in the order to send them, its file's length in bytes."""

    fields: Mapping[str, str]
    min_size: int
    max_size: int
    expires_at: datetime

    def conditions(self, bucket: str) -> list[Condition]:
        """List the policy's conditions, without those that the signature adds."""
        exact: list[Condition] = [{name: value} for name, value in self.fields.items()]
        return [{"bucket": bucket}, *exact, ["content-length-range", self.min_size, self.max_size]]


def post_form(
    *,
    object_key: str,
    content_type: str,
    cache_control: str,
    min_size: int,
    max_size: int,
    checksum_sha256: str | None,
    upload_id: str,
    acl: str | None,
    return_url: str | None = None,
    expires_at: datetime,
) -> PostForm:
    """Build the form of one upload; `acl` only for buckets that still take one.

    `min_size` and `max_size`, in bytes, are the same where the client has declared its file's
    length, as all do but those that cannot. With `return_url` S3 answers 303 to it, not 201.
    """
    fields = {"key": object_key, "Content-Type": content_type, "Cache-Control": cache_control}
    if checksum_sha256 is not None:
        fields["x-amz-checksum-algorithm"] = "SHA256"
        fields["x-amz-checksum-sha256"] = checksum_sha256
    fields["x-amz-meta-upload-id"] = upload_id
    if acl is not None:
        fields["acl"] = acl
    if return_url is not None:
        fields["success_action_redirect"] = return_url
    else:
        fields["success_action_status"] = "201"
    return PostForm(fields=fields, min_size=min_size, max_size=max_size, expires_at=expires_at)

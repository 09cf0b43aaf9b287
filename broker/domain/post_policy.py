"""The POST policy of an upload, before it is signed.

S3 API: "Creating an HTML form (using AWS Signature Version 4)". Every field has an `eq` condition;
`starts-with` and `${filename}` are never used. So a form can write only one key, length and type,
and with a digest only one content.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.domain.s3_servers import OTHER, S3Server

Condition = dict[str, str] | list[str | int]


@dataclass(frozen=True, kw_only=True)
class PostForm:
    """An unsigned form. `fields` are in sending order; sizes are those of the file, in bytes.

    With `names_bucket` the signer adds a field with the bucket's name. The policy names it anyway.
    """

    fields: Mapping[str, str]
    min_size: int
    max_size: int
    expires_at: datetime
    names_bucket: bool = False

    def conditions(self, bucket: str) -> list[Condition]:
        """Return the policy's conditions, without those that the signature adds."""
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
    server: S3Server = OTHER,
) -> PostForm:
    """Return the form of one upload. Set `acl` only for buckets that still accept ACLs.

    `min_size` and `max_size`, in bytes, are equal if the client declared its file's length. With
    `return_url` S3 answers with a 303 redirect to it, otherwise with `server.form_status`.
    """
    fields = {"key": object_key, "Content-Type": content_type, "Cache-Control": cache_control}
    if checksum_sha256 is not None and server.signs_digests:
        fields["x-amz-checksum-algorithm"] = "SHA256"
        fields["x-amz-checksum-sha256"] = checksum_sha256
    fields["x-amz-meta-upload-id"] = upload_id
    if acl is not None:
        fields["acl"] = acl
    if return_url is not None:
        fields["success_action_redirect"] = return_url
    else:
        fields["success_action_status"] = server.form_status
    return PostForm(
        fields=fields,
        min_size=min_size,
        max_size=max_size,
        expires_at=expires_at,
        names_bucket=server.form_names_bucket,
    )

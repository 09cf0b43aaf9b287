"""Settings of the buckets: their names, and where the broker and browsers reach them."""

from typing import Literal, Self

from pydantic import Field, model_validator

from broker.config.values import BucketName, Location, OptionalBucket, OptionalS3Url, OptionalUrl
from broker.config.webhooks import WebhookSettings
from broker.domain.limits import Limits


class BucketSettings(WebhookSettings):
    """Settings of the buckets."""

    s3_bucket: BucketName = Field(description="The bucket's name.")
    s3_incoming_bucket: OptionalBucket = Field(
        default=None,
        description="Bucket of `incoming/` and `private/`, if the other is public as a whole.",
    )
    s3_endpoint_url: OptionalS3Url = Field(
        default=None, description="URL at which the broker reaches S3. Default: AWS."
    )
    s3_public_url: OptionalS3Url = Field(
        default=None, description="URL at which browsers reach S3. Default: the endpoint URL."
    )
    s3_addressing: Literal["path", "virtual"] = Field(
        default="path", description="`path` (host/bucket) or `virtual` (bucket.host)."
    )
    media_location: Location = Field(
        default=Limits.location, description="The first segment of every object key."
    )
    media_url: OptionalUrl = Field(
        default=None, description="Public base URL of the images, such as a CDN, with the location."
    )

    @model_validator(mode="after")
    def _two_buckets(self) -> Self:
        if self.s3_incoming_bucket == self.s3_bucket:
            raise ValueError(
                "BROKER_S3_INCOMING_BUCKET: must be another bucket than BROKER_S3_BUCKET; unset it "
                "to use one bucket"
            )
        return self

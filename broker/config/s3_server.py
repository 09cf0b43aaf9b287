"""Settings of the S3 server's kind: its row in the table, and the default transport."""

from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from broker.config.buckets import BucketSettings
from broker.config.values import none_if_empty
from broker.domain.s3_servers import OTHER, S3_SERVERS, PublicReading, S3Server


def _known(value: str) -> str:
    if value not in S3_SERVERS:
        raise ValueError(f"must be one of {', '.join(S3_SERVERS)}")
    return value


def _single_request(value: str) -> str:
    if value not in ("post", "put"):
        raise ValueError("must be post or put")
    return value


class S3ServerSettings(BucketSettings):
    """Settings of the kind of the S3 server."""

    s3_server: Annotated[str, AfterValidator(_known)] = Field(
        default=OTHER.name,
        description="Kind of S3 server: a name in docs/s3-servers.md, such as aws, minio or r2.",
    )
    default_transport: Annotated[
        Annotated[str, AfterValidator(_single_request)] | None, BeforeValidator(none_if_empty)
    ] = Field(
        default=None,
        description="`post` or `put`, if a request names none. Default: that of BROKER_S3_SERVER.",
    )

    @model_validator(mode="after")
    def _transport_of_the_server(self) -> Self:
        row, named = self.server, self.default_transport
        if named is not None and named not in row.transports:
            raise ValueError(
                f"BROKER_DEFAULT_TRANSPORT: {row.title} does not take {named}"
                f" (BROKER_S3_SERVER={row.name}); use {row.default_transport}"
            )
        return self

    @model_validator(mode="after")
    def _private_objects_elsewhere(self) -> Self:
        row = self.server
        if row.public_reading is PublicReading.BUCKET and self.s3_incoming_bucket is None:
            raise ValueError(
                f"BROKER_S3_INCOMING_BUCKET: required, because {row.title} can only make a whole"
                f" bucket public (BROKER_S3_SERVER={row.name})"
            )
        return self

    @property
    def server(self) -> S3Server:
        """The row of BROKER_S3_SERVER."""
        return S3_SERVERS[self.s3_server]

"""Settings of `broker background`: each of its processes may have a key of the bucket of its own.

Only `broker background` reads them. Its processes get them as AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY, see `child_environment`.
"""

from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from broker.config.private_files import PrivateFileSettings
from broker.config.serving import PREFIX
from broker.config.values import OptionalText

# The processes that use the bucket.
KEY_HOLDERS = ("worker", "reaper", "consumer")


class ChildKeySettings(PrivateFileSettings):
    """Keys of the bucket, each for one process of `broker background`."""

    worker_aws_access_key_id: OptionalText = Field(
        default=None, description="`broker background`: the key of its workers."
    )
    worker_aws_secret_access_key: SecretStr | None = Field(
        default=None, description="The secret of the workers' key."
    )
    reaper_aws_access_key_id: OptionalText = Field(
        default=None, description="`broker background`: the key of its reaper."
    )
    reaper_aws_secret_access_key: SecretStr | None = Field(
        default=None, description="The secret of the reaper's key."
    )
    consumer_aws_access_key_id: OptionalText = Field(
        default=None, description="`broker background`: the key of its consumer of notifications."
    )
    consumer_aws_secret_access_key: SecretStr | None = Field(
        default=None, description="The secret of the consumer's key."
    )

    @field_validator(*(f"{holder}_aws_secret_access_key" for holder in KEY_HOLDERS))
    @classmethod
    def _no_empty_secret(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value is not None and value.get_secret_value() else None

    @model_validator(mode="after")
    def _whole_child_keys(self) -> Self:
        for holder in KEY_HOLDERS:
            key_id = getattr(self, f"{holder}_aws_access_key_id")
            secret = getattr(self, f"{holder}_aws_secret_access_key")
            if (key_id is None) != (secret is None):
                name = f"{PREFIX}{holder.upper()}_AWS"
                raise ValueError(
                    f"{name}_ACCESS_KEY_ID: set this and {name}_SECRET_ACCESS_KEY, or neither"
                )
        return self

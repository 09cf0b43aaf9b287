"""Settings of private files: the key that signs the URLs with which they are read."""

from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from broker.config.tokens import TokenSettings
from broker.config.values import OptionalText
from broker.domain.profiles import Profiles


class PrivateFileSettings(TokenSettings):
    """Settings of private files."""

    private_access_key_id: OptionalText = Field(
        default=None,
        description="Key that may only read private files; required if a profile is private.",
    )
    private_secret_access_key: SecretStr | None = Field(
        default=None, description="The secret of that key."
    )

    @field_validator("private_secret_access_key")
    @classmethod
    def _none_if_empty(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value is not None and value.get_secret_value() else None

    @model_validator(mode="after")
    def _whole_private_key(self) -> Self:
        if (self.private_access_key_id is None) != (self.private_secret_access_key is None):
            raise ValueError(
                "BROKER_PRIVATE_ACCESS_KEY_ID: set this and BROKER_PRIVATE_SECRET_ACCESS_KEY, or "
                "neither"
            )
        return self


def require_private_key(settings: PrivateFileSettings, profiles: Profiles) -> None:
    """Raise ValueError if a profile is private and there is no key to read its files."""
    name = next((profile.name for profile in profiles if profile.is_private), None)
    if name is not None and settings.private_access_key_id is None:
        raise ValueError(
            "BROKER_PRIVATE_ACCESS_KEY_ID: set this and BROKER_PRIVATE_SECRET_ACCESS_KEY, because "
            f"the profile {name} is private"
        )

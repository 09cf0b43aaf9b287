"""The settings of processes that verify no token: workers, the reaper, commands."""

from typing import Self

from pydantic import model_validator

from broker.config import Settings


class BackgroundSettings(Settings):
    """All settings, without the requirement of the keys that only the API needs.

    So the environment of such a process needs no `BROKER_JWT_SECRET`, with which anyone could sign
    a token for any user, and no key that reads private files.
    """

    # The same names as in TokenSettings and Settings: these replace their checks.
    @model_validator(mode="after")
    def _one_key(self) -> Self:
        return self

    @model_validator(mode="after")
    def _key_for_private_profiles(self) -> Self:
        return self

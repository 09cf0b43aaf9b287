"""The settings of processes that verify no token: workers, the reaper, commands."""

from typing import Self

from pydantic import model_validator

from broker.config import Settings


class BackgroundSettings(Settings):
    """All settings, without the requirement of a key that verifies tokens.

    So the environment of such a process needs no `BROKER_JWT_SECRET`, with which anyone could sign
    a token for any user.
    """

    # The same name as in TokenSettings: this replaces its check.
    @model_validator(mode="after")
    def _one_key(self) -> Self:
        return self

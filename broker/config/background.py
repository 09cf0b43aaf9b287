"""The settings of processes that verify no token: workers, the reaper, commands."""

from typing import Self

from pydantic import model_validator

from broker.config import Settings
from broker.config.webhooks import webhook_of
from broker.domain.webhooks import Webhook


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


class DelivererSettings(BackgroundSettings):
    """The settings of `broker deliver`, which cannot start without a receiver."""

    @model_validator(mode="after")
    def _receiver(self) -> Self:
        _ = self.webhook
        return self

    @property
    def webhook(self) -> Webhook:
        """The receiver of the events."""
        return webhook_of(self, is_dev=self.dev)

"""Settings of the deliverer: where events are sent, and what signs them."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from broker.config.retention import RetentionSettings
from broker.config.values import OptionalWebhookUrl, host_name
from broker.domain.webhooks import Webhook, read_keys

# Names that no public DNS server resolves: of a compose network, of Kubernetes, of a company.
# One word, but not a number: C libraries read 134744072 and 0x8080808 as the address 8.8.8.8.
PRIVATE_NAME = re.compile(r"(?!0x)(?!\d+$)[^.:\[\]]+|.+\.(internal|local|localhost)")


class WebhookSettings(RetentionSettings):
    """Settings of the delivery of events."""

    webhook_url: OptionalWebhookUrl = Field(
        default=None, description="URL to which `broker deliver` sends the events."
    )
    webhook_secret: SecretStr | None = Field(
        default=None,
        description="Signs what is sent there: `whsec_…`; two, the new one first, to replace one.",
    )

    @field_validator("webhook_secret")
    @classmethod
    def _well_formed(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or not value.get_secret_value():
            return None
        read_keys(value.get_secret_value())
        return value


def webhook_of(settings: WebhookSettings, *, is_dev: bool) -> Webhook:
    """Return the receiver of the events.

    Raises:
        ValueError: a setting is missing, or the URL is http and leaves the private network.
    """
    url, secret = settings.webhook_url, settings.webhook_secret
    if url is None or secret is None:
        missing = "BROKER_WEBHOOK_URL" if url is None else "BROKER_WEBHOOK_SECRET"
        raise ValueError(
            f"{missing}: set this, because `broker deliver` needs BROKER_WEBHOOK_URL and "
            "BROKER_WEBHOOK_SECRET"
        )
    require_safe(url, is_dev=is_dev)
    return Webhook(url=url, keys=read_keys(secret.get_secret_value()))


def require_safe(url: str, *, is_dev: bool) -> None:
    """Raise ValueError if the URL is http and leaves the private network."""
    parts = urlsplit(url)
    if parts.scheme == "http" and not (is_dev or is_private(host_name(parts.netloc))):
        raise ValueError("BROKER_WEBHOOK_URL: must be https, except in a private network")


def is_private(host: str) -> bool:
    """Check whether a host is this machine or in a private network, by its name or address."""
    if PRIVATE_NAME.fullmatch(host):
        return True
    try:
        return ip_address(host.strip("[]")).is_private
    except ValueError:
        return False

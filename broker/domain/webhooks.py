"""Webhooks as Standard Webhooks 1.0.0 defines them: the secret's form, and the signed headers."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime

PREFIX = "whsec_"
SECRETS_MAX = 2
# "At least 24 bytes (192 bits, 512 maximum)".
KEY_BYTES_MIN, KEY_BYTES_MAX = 24, 64


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """The receiver of the events.

    Attributes:
        url: an https URL, or http on this machine.
        keys: the keys that sign; two while the receiver moves from one to the other.
    """

    url: str
    keys: tuple[bytes, ...] = field(repr=False)

    def headers(self, event_id: str, body: bytes, now: datetime) -> dict[str, str]:
        """Return the headers that identify and sign one attempt. `now` is the attempt's time."""
        timestamp = str(int(now.timestamp()))
        content = b".".join((event_id.encode(), timestamp.encode(), body))
        signatures = (hmac.digest(key, content, hashlib.sha256) for key in self.keys)
        return {
            "webhook-id": event_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(
                f"v1,{base64.b64encode(signature).decode()}" for signature in signatures
            ),
        }


def read_keys(text: str) -> tuple[bytes, ...]:
    """Return the keys of one or two secrets, separated by a comma, the new one first.

    Raises:
        ValueError: one is not `whsec_` and the base64 of 24 to 64 bytes, or there are too many.
    """
    keys = tuple(_key(part.strip()) for part in text.split(","))
    if len(keys) > SECRETS_MAX or len(set(keys)) != len(keys):
        raise ValueError("must be one secret, or two different ones separated by a comma")
    return keys


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
        raise ValueError(
            f"must be {PREFIX} and the base64 of {KEY_BYTES_MIN} to {KEY_BYTES_MAX} random bytes, "
            f'such as the output of: echo "{PREFIX}$(openssl rand -base64 32)"'
        )
    return key

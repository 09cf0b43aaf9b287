"""Detects values that must never be in a log: tokens, signatures, policies and secrets."""

import os
import re
from collections.abc import Iterable, Iterator

from tests.secret_values import EVERY_SECRET

SHAPES = {
    "a token": re.compile(r"eyJ[\w-]{5,}\.eyJ[\w-]{5,}"),
    # {"expiration": …} in Base64, the beginning of a POST policy, with and without a space.
    "a policy": re.compile(r"eyJleHBpcmF0aW9u|eyAiZXhwaXJhdGlvbi"),
    "a signature": re.compile(r"signature\W{1,8}[0-9a-f]{64}", re.IGNORECASE),
    "a security token": re.compile(r"security-token\W{1,8}[\w/+=%-]{16}", re.IGNORECASE),
    "an Authorization header": re.compile(
        r"authorization\W{1,8}(?:bearer|basic|aws4)\b|\bbearer [\w.~+/-]{16}", re.IGNORECASE
    ),
    "a capability": re.compile(r"/uppy/[0-9a-f]{32}\.[\w-]{20}|\b[0-9a-f]{32}\.[\w-]{43}\b"),
}
_NAMES = re.compile(r"(?:SECRET|PASSWORD|SECRET_ACCESS_KEY|SESSION_TOKEN|BROKER_TOKEN)$")
_SHORTEST = 16  # shorter values may be ordinary text


def leaks(text: str, secrets: Iterable[str] = ()) -> list[str]:
    """Return the kinds of secrets in a text, without the secrets."""
    found = [kind for kind, shape in SHAPES.items() if shape.search(text)]
    if any(secret in text for secret in (*EVERY_SECRET, *secrets, *environment_secrets())):
        found.append("a secret")
    return found


def environment_secrets() -> Iterator[str]:
    """Yield the secrets in this process's environment."""
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST and _NAMES.search(name):
            yield value


def secrets_of(env_file: str) -> list[str]:
    """Return the secrets in a dev.env file."""
    pairs = (line.partition("=") for line in env_file.splitlines())
    values = [value.strip("'\"") for name, _, value in pairs if _NAMES.search(name)]
    return [value for value in values if len(value) >= _SHORTEST]

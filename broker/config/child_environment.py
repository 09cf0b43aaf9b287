"""The environments of background processes: each contains only its own secrets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from broker.config.child_keys import KEY_HOLDERS
from broker.config.serving import PREFIX

# Every name that may be that of a secret. The URL of the rate limits' store may have a password.
_SECRET = re.compile(
    rf"{PREFIX}(?:JWT_\w+|TOKEN|RATE_LIMIT_STORAGE_URL|\w*SECRET\w*|\w*ACCESS_KEY_ID)",
    re.IGNORECASE,  # as pydantic reads them
)
_WEBHOOK_SECRET = f"{PREFIX}WEBHOOK_SECRET"
_KEY = re.compile(rf"{PREFIX}(?:{'|'.join(KEY_HOLDERS)})_AWS_\w+", re.IGNORECASE)
# Where boto3 finds credentials, apart from files and the instance's role.
_AWS_CREDENTIALS = frozenset(
    f"AWS_{name}"
    for name in (
        *("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "SECURITY_TOKEN"),
        *("PROFILE", "DEFAULT_PROFILE", "ROLE_ARN", "WEB_IDENTITY_TOKEN_FILE"),
        *("CONTAINER_CREDENTIALS_RELATIVE_URI", "CONTAINER_CREDENTIALS_FULL_URI"),
        *("CONTAINER_AUTHORIZATION_TOKEN", "CONTAINER_AUTHORIZATION_TOKEN_FILE"),
    )
)


@dataclass(frozen=True, kw_only=True)
class ChildSecrets:
    """The secrets that a process gets.

    Attributes:
        key_holder: it gets the key of BROKER_<key_holder>_AWS_…, or the common AWS credentials if
            there is none. None: it gets no credentials of AWS.
        names: further variables that it gets.
    """

    key_holder: str | None
    names: frozenset[str] = frozenset()


WORKER, REAPER, CONSUMER = (ChildSecrets(key_holder=holder) for holder in KEY_HOLDERS)
DELIVERER = ChildSecrets(key_holder=None, names=frozenset({_WEBHOOK_SECRET}))


def child_environment(environment: Mapping[str, str], secrets: ChildSecrets) -> dict[str, str]:
    """Return the environment of a child of `broker background`: settings, and its own secrets."""
    found = {
        name: value
        for name, value in environment.items()
        if not _SECRET.fullmatch(name) or name.upper() in secrets.names
    }
    if secrets.key_holder is None:
        # Without this, boto3 would ask for the credentials of the instance's role.
        return {**_without_aws(found), "AWS_EC2_METADATA_DISABLED": "true"}
    prefix = f"{PREFIX}{secrets.key_holder.upper()}_"
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    given = {name.upper(): value for name, value in environment.items()}
    key = {name: given.get(prefix + name, "") for name in names}
    return {**_without_aws(found), **key} if all(key.values()) else found


def background_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of `broker background`: without the secrets of the API alone."""
    return {
        name: value
        for name, value in environment.items()
        if not _SECRET.fullmatch(name) or name.upper() == _WEBHOOK_SECRET or _KEY.fullmatch(name)
    }


def _without_aws(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in _AWS_CREDENTIALS}

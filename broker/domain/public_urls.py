"""The public URLs of published objects."""

import re
from urllib.parse import quote

from broker.domain.profiles import Profiles

# Nearly every key is such a text, for which `quote` does nothing.
_IS_PLAIN = re.compile(r"[\w./~-]+", re.ASCII).fullmatch


def public_url(profiles: Profiles, media_url: str, key: str) -> str | None:
    """Return the public URL of a relative key; None if its profile is private.

    Args:
        profiles: they say which keys are private.
        media_url: the public base URL of images, without a slash at the end.
        key: the key without the location.
    """
    if profiles.is_private(key):
        return None
    return f"{media_url}/{key if _IS_PLAIN(key) else quote(key)}"

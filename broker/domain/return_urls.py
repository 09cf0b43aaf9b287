"""Where a plain form may send people back to, once S3 has taken its file.

S3 answers such a form with 303 to its `success_action_redirect`. SeaweedFS and MinIO replace
the URL's query by `bucket`, `key` and `etag`, so a query of one's own would be lost.
"""

import re
from collections.abc import Collection

RETURN_URL_MAX = 1024
# RFC 3986, section 3.3, in full: no query, fragment, user, backslash, nor anything below space.
_URL = re.compile(
    r"(?P<origin>https?://[a-z0-9.:-]+)"
    r"(/([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[2-9A-Fa-f][0-9A-Fa-f])*)?"
)


def may_return_to(url: str, origins: Collection[str]) -> bool:
    """Tell whether a form may send people to `url`: a plain URL of one of the origins."""
    found = _URL.fullmatch(url)
    return found is not None and len(url) <= RETURN_URL_MAX and found["origin"] in origins

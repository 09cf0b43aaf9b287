"""The page to which S3 may redirect the browser after a plain form.

S3 answers such a form with a 303 redirect to its `success_action_redirect`. SeaweedFS and MinIO
replace the URL's query with `bucket`, `key` and `etag`, so return URLs with a query are refused.
"""

import re
from collections.abc import Collection

RETURN_URL_MAX = 1024
# RFC 3986, section 3.3: no query, fragment, user, backslash or control characters.
_URL = re.compile(
    r"(?P<origin>https?://[a-z0-9.:-]+)"
    r"(/([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[2-9A-Fa-f][0-9A-Fa-f])*)?"
)


def may_return_to(url: str, origins: Collection[str]) -> bool:
    """Check whether S3 may redirect to `url`: a plain URL of one of the origins."""
    found = _URL.fullmatch(url)
    return found is not None and len(url) <= RETURN_URL_MAX and found["origin"] in origins

"""The proxy that the environment names for a URL, as boto3 reads it."""

from dataclasses import dataclass, field

from botocore.httpsession import ProxyConfiguration
from botocore.utils import get_environ_proxies


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """A proxy's URL, and the headers that it gets: the user and the password of the URL."""

    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)


def proxy_for(url: str) -> Proxy | None:
    """Return the proxy for a URL; None if there is none, or NO_PROXY has its host."""
    found = ProxyConfiguration(get_environ_proxies(url))
    proxy = found.proxy_url_for(url)
    return Proxy(url=proxy, headers=found.proxy_headers_for(proxy)) if proxy else None

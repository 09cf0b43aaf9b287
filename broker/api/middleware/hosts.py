"""Check the Host header, and build the API's own URL without trusting it."""

from flask import Flask, request

from broker.api.problems.handlers import ApiError
from broker.api.request.context import current
from broker.api.request.view_marks import view_has
from broker.config import LOOPBACK_HOSTS, Settings
from broker.config.values import host_name


def init_app(app: Flask, settings: Settings) -> None:
    """Refuse requests for other hosts, if the settings name the API's hosts.

    This prevents DNS rebinding: otherwise a page on an attacker's domain that resolves to this
    address would have the same origin as the API, and could read the token of `broker dev`.
    """
    # Werkzeug would redirect `//` to a URL with the request's Host.
    app.url_map.merge_slashes = False
    known = settings.known_hosts
    if not known:
        return

    def check_host() -> None:
        # Probes and scrapes use the machine's address as the host.
        if not view_has("is_probe") and not _is_known(known):
            raise ApiError("bad_request", "This Host is not a host of the API.")

    app.before_request(check_host)


def base_url() -> str:
    """Return the API's own URL, without a trailing slash.

    Raises:
        ApiError: no host of the API is configured, and Host is not a loopback name. A link with
            a forged Host would lead to an attacker.
    """
    settings = current().settings
    if settings.public_url is not None:
        return settings.public_url
    if not _is_known(settings.known_hosts or LOOPBACK_HOSTS):
        raise ApiError("uppy_not_configured", "Set BROKER_PUBLIC_URL to use Uppy.")
    return request.host_url.rstrip("/")


def _is_known(known: tuple[str, ...]) -> bool:
    """Check Host without its port. Werkzeug's trusted hosts do not support IPv6."""
    name = host_name(request.host)
    return any(
        name == host or (host.startswith(".") and name.endswith(host)) for host in known if name
    )

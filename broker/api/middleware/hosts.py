"""Which hosts the API answers to, and what it calls itself: a request's Host is not believed."""

from flask import Flask, request

from broker.api.problems.handlers import ApiError
from broker.api.request.context import current
from broker.api.request.view_marks import view_has
from broker.config import LOOPBACK_HOSTS, Settings
from broker.config.values import host_name


def init_app(app: Flask, settings: Settings) -> None:
    """Refuse other hosts where it is known by which the API is reached.

    Without it a page whose name is made to lead here (DNS rebinding) would be of our origin,
    and read what `broker dev` gives its own page.
    """
    # Werkzeug's own redirects name the request's host; `//` is no path of ours.
    app.url_map.merge_slashes = False
    known = settings.known_hosts
    if not known:
        return

    def check_host() -> None:
        # Probes and scrapes use the machine's address.
        if not view_has("is_probe") and not _is_known(known):
            raise ApiError("bad_request", "The API is not known by this Host.")

    app.before_request(check_host)


def base_url() -> str:
    """Give the API's own address, without a slash at its end.

    Raises:
        ApiError: nobody has said how the API is reached, and Host names something that is not
            this machine. A link made of it would lead to whoever forged it.
    """
    settings = current().settings
    if settings.public_url is not None:
        return settings.public_url
    if not _is_known(settings.known_hosts or LOOPBACK_HOSTS):
        raise ApiError("uppy_not_configured", "Set BROKER_PUBLIC_URL to use Uppy here.")
    return request.host_url.rstrip("/")


def _is_known(known: tuple[str, ...]) -> bool:
    """Compare Host without its port; Werkzeug's own list knows no IPv6."""
    name = host_name(request.host)
    return any(
        name == host or (host.startswith(".") and name.endswith(host)) for host in known if name
    )

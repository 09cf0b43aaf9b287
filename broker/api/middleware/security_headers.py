"""Security headers of every response: no scripts, no framing. `caching` has those of caches.

The HTML pages set their own, less strict policy. `request_log` sets `nosniff`.
"""

from flask import Flask, Response

from broker.config import Settings

# For JSON, in case a browser renders it as a page.
POLICY = "default-src 'none'; frame-ancestors 'none'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Prevents other origins from embedding responses. It does not affect CORS.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # For plug-ins that still read Adobe's cross-domain policies.
    "X-Permitted-Cross-Domain-Policies": "none",
}


def init_app(app: Flask, settings: Settings) -> None:
    """Add the headers to every response that does not have them already."""
    headers = dict(HEADERS)
    if settings.hsts_seconds:
        headers["Strict-Transport-Security"] = f"max-age={settings.hsts_seconds}"

    def add(response: Response) -> Response:
        has = {name.lower() for name, _ in response.headers}
        for name, value in headers.items():
            if name.lower() not in has:
                response.headers.add(name, value)
        return response

    app.after_request(add)

"""What browsers are told about every answer: run nothing, frame nothing, keep nothing.

Pages loosen the policy for themselves; `nosniff` is `request_log`'s, which sees each answer last.
"""

from flask import Flask, Response, request

from broker.config import Settings

# For JSON, and for whatever a browser might be led to take for a page.
POLICY = "default-src 'none'; frame-ancestors 'none'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Not for CORS, which is asked before: against being embedded without it.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # For plug-ins that still ask Adobe's way.
    "X-Permitted-Cross-Domain-Policies": "none",
}
# What only its caller may see: tickets, profiles, tokens, and who failed at what.
PERSONAL = ("/api/", "/dev/")


def init_app(app: Flask, settings: Settings) -> None:
    """Give every answer these headers, where it has not got them already."""
    headers = dict(HEADERS)
    if settings.hsts_seconds:
        headers["Strict-Transport-Security"] = f"max-age={settings.hsts_seconds}"

    def add(response: Response) -> Response:
        has = {name.lower() for name, _ in response.headers}
        for name, value in headers.items():
            if name.lower() not in has:
                response.headers.add(name, value)
        if request.path.startswith(PERSONAL):
            response.headers["Cache-Control"] = "no-store"
        if settings.cors_origins:
            # Not only where the origin is one of ours: a cache must not give one's answer to
            # another.
            response.vary.add("Origin")
        return response

    app.after_request(add)

"""What a page reports to its own server: violations of its policy, and errors of its scripts.

It works in the same way in each engine, also if the driver shows no console. The page is served as
it is, with three additions: the policy names an address for reports and allows the empty style that
Playwright adds before it takes a screenshot, and a script that runs first sends errors there.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

REPORTS, WATCH, MISBEHAVE = "/reports", "/watch.js", "/misbehave.js"
SCRIPTS = {
    WATCH: b"""
const report = (what) => navigator.sendBeacon("/reports", JSON.stringify({ error: String(what) }));
addEventListener("error", (event) => { if (event.message) report(event.message); }, true);
// WebKit's stack does not include the message.
addEventListener("unhandledrejection", ({ reason }) => report(`${reason} ${reason?.stack}`));
const { error } = console;
console.error = (...all) => { report(all.join(" ")); error.apply(console, all); };
""",
    # What must be noticed, in a script of the page. What a driver evaluates may have other rights.
    MISBEHAVE: b"""
setTimeout(() => { throw new Error("not caught"); });
setTimeout(() => console.error("said"));
Promise.reject(new Error("not awaited"));
new Image().src = "https://tracker.example/pixel.png";
""",
}
POLICY = "Content-Security-Policy"
STYLE = base64.b64encode(hashlib.sha256(b"body {}").digest()).decode()


@dataclass
class Reports:
    """Serves an app, and collects the reports of its pages."""

    app: Callable[..., Iterable[bytes]] = field(default=lambda *_: [])
    received: list[str] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == REPORTS:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            self.received.append(json.dumps(json.loads(body)))
            start("204 No Content", [])
            return []
        if script := SCRIPTS.get(environ["PATH_INFO"]):
            start("200 OK", [("Content-Type", "text/javascript")])
            return [script]
        is_page = environ["PATH_INFO"] == "/"
        if is_page:
            for name in ("HTTP_IF_NONE_MATCH", "HTTP_ACCEPT_ENCODING"):
                environ.pop(name, None)
        return self._page(environ, start) if is_page else self.app(environ, start)

    def _page(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterator[bytes]:
        answered: list[Any] = []

        def keep(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            answered[:] = [status, headers]

        found = self.app(environ, keep)
        body = b"".join(found)
        getattr(found, "close", lambda: None)()
        status, headers = answered
        body = body.replace(b"<head>", f'<head><script src="{WATCH}"></script>'.encode(), 1)
        start(status, [_changed(name, value, len(body)) for name, value in headers])
        yield body


def _changed(name: str, value: str, length: int) -> tuple[str, str]:
    if name.lower() == POLICY.lower():
        value = value.replace("style-src 'self'", f"style-src 'self' 'sha256-{STYLE}'")
        return name, f"{value}; report-uri {REPORTS}"
    return name, str(length) if name.lower() == "content-length" else value

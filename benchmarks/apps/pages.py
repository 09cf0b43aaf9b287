"""Serve the pages that send and show photos. Scripts are cached, as those of a real site are."""

import os
from pathlib import Path

from flask import Flask, Response, send_from_directory

app = Flask(__name__, static_folder=None)
ROOT = Path(__file__).parent.parent.parent
PAGES = ROOT / "benchmarks/field/pages"
SCRIPTS = {name: PAGES / f"{name}.js" for name in ("broker", "form", "listing")}
SCRIPTS["uppy"] = Path(os.environ["UPPY_SCRIPT"])
CACHED_SECONDS = 3600


@app.get("/healthz")
def healthz() -> dict[str, str]:
    """Answer health checks."""
    return {"status": "ok"}


@app.get("/<any(broker, form, uppy):side>/")
def page(side: str) -> Response:
    """Return the page of one side."""
    return send_from_directory(PAGES, "page.html")


@app.get("/listing/")
def listing() -> Response:
    """Return the page of ads."""
    return send_from_directory(PAGES, "listing.html")


@app.get("/<any(broker, form, uppy, listing):side>/page.js")
def script(side: str) -> Response:
    """Return its script."""
    path = SCRIPTS[side]
    return send_from_directory(path.parent, path.name, max_age=CACHED_SECONDS)


@app.get("/visit.js")
def visit() -> Response:
    """Return the script that all pages share."""
    return send_from_directory(PAGES, "visit.js", max_age=CACHED_SECONDS)


@app.get("/client/<name>")
def client(name: str) -> Response:
    """Return a module of our client."""
    return send_from_directory(ROOT / "clients/js", name, max_age=CACHED_SECONDS)

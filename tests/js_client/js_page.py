"""A page on another origin that imports clients/js under a strict Content-Security-Policy."""

from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, Response, send_from_directory

CLIENT = Path(__file__).parents[2] / "clients/js"

# Functions for the tests: files of random bytes that are the same after a reload, recorded progress
# events, and the outcome of an upload as JSON, even if it is rejected.
SCRIPT = """
import { Broker, BrokerError } from "/upload-broker/broker.js";
globalThis.Broker = Broker;
globalThis.file = (bytes, name = "front view.jpg", type = "image/jpeg", seed = 7) => {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  for (let i = 0, x = seed; i < words.length; i++) {
    words[i] = x = (Math.imul(x, 1664525) + 1013904223) | 0;
  }
  return new File([new Uint8Array(words.buffer, 0, bytes)], name, { type, lastModified: 1 });
};
globalThis.events = [];
globalThis.watch = ({ phase, loaded, total, error, upload }) =>
  events.push({ phase, loaded, total, code: error?.code ?? null, name: upload.file.name });
globalThis.outcome = (promise) => Promise.resolve(promise).then(
  (image) => ({ image }),
  ({ code, status, errors, s3Code, detail, stack, constructor }) =>
    ({ typed: constructor === BrokerError, code, status, errors, s3Code, detail, stack }),
);
globalThis.until = (true_) => new Promise((resolve) => {
  const look = () => true_() ? resolve() : setTimeout(look);
  look();
});
globalThis.sent = (loaded = 1) =>
  until(() => events.some((one) => one.phase === "sending" && one.loaded >= loaded));
"""


def page_of(broker_url: str, bucket_url: str, script: str = SCRIPT, body: str = "") -> Flask:
    """Serve a page that may load scripts and workers only from its own origin."""
    app = Flask(__name__)
    bucket = "{0.scheme}://{0.netloc}".format(urlsplit(bucket_url))

    @app.get("/")
    def page() -> Response:
        answer = Response(
            '<!doctype html><meta charset="utf-8"><title>Photos</title>'
            '<link rel="icon" href="data:,">'
            f'<body>{body}<script type="module" src="/page.js"></script>',
            mimetype="text/html",
        )
        answer.headers["Content-Security-Policy"] = (
            "default-src 'none'; script-src 'self'; worker-src 'self'; "
            f"img-src 'self' data: {bucket}; connect-src {broker_url} {bucket}"
        )
        return answer

    @app.get("/page.js")
    def page_js() -> Response:
        return Response(script, mimetype="text/javascript")

    @app.get("/<any('sha256-worker.js'):name>")  # bundlers put this file beside the page's script
    @app.get("/upload-broker/<name>")
    def client(name: str) -> Response:
        return send_from_directory(CLIENT, name)

    return app

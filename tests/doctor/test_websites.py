"""Websites that publish all of a bucket, whatever its policy says."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from tests.doctor.conftest import Deployment
from tests.doctor.test_private_files import with_key

Page = tuple[int, dict[str, str], bytes]


@contextmanager
def website(page: Callable[[str], Page]) -> Iterator[str]:
    """Serve what `page` returns for a path; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = page(urlsplit(self.path).path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@contextmanager
def whole_bucket(deployment: Deployment) -> Iterator[str]:
    """Serve all objects, as Garage's website access and public R2 buckets do; yield the address."""
    client, bucket = deployment.client(), deployment.bucket.name

    def page(path: str) -> Page:
        try:
            found = client.get_object(Bucket=bucket, Key=path.removeprefix("/"))
        except client.exceptions.NoSuchKey:
            return 404, {}, b""
        headers = {"Content-Type": found["ContentType"], "Cache-Control": found["CacheControl"]}
        return 200, headers, found["Body"].read()

    with website(page) as url:
        yield url


@pytest.mark.parametrize("path", ["/media", "/"])
def test_report_16_a_website_that_serves_all_of_the_bucket_is_a_failure(
    deployment: Deployment, path: str
) -> None:
    with_key(deployment)
    with whole_bucket(deployment) as url:
        report = deployment.doctor(MEDIA_URL=url + path)
    fault = report.of("incoming", "fail")
    assert fault["detail"].startswith(f"anyone may read incoming/ at {url}, ")
    assert fault["setting"] == "BROKER_MEDIA_URL"
    assert "turn off website access (Garage) or public access (R2)" in fault["fix"]
    private = report.of("private-files", "fail")
    assert private["detail"] == f"anyone may read private/ at {url}, which has private files"
    assert private["setting"] == "BROKER_MEDIA_URL"


@pytest.mark.parametrize("content_type", ["text/html", "image/webp"])
def test_report_16_a_website_that_answers_every_path_alike_is_no_leak(
    deployment: Deployment, content_type: str
) -> None:
    with_key(deployment)
    with website(lambda _: (200, {"Content-Type": content_type}, b"not found")) as url:
        report = deployment.doctor(MEDIA_URL=f"{url}/media")
    assert report.passed >= {"incoming", "private-files"}

"""Queries that change a photo's headers, and the proxy that drops them."""

from pathlib import Path

import httpx

from tests.doctor.conftest import Deployment
from tests.doctor.test_private_files import CHECKS, with_key
from tests.servers import installed_or_skip
from tests.servers.header_proxy import header_proxy
from tests.servers.nginx import nginx

ROOT = Path(__file__).parent.parent.parent
SITE = (ROOT / "docs/operations/nginx-media.conf").read_text()
# A valid JPEG up to its comment, and a valid page.
PAGE = b"\xff\xd8\xff\xfe\x00\x2f<script>alert(document.domain)</script><!--\xff\xd9"
KEY = "media/ads/ad_1/main_x7Kp2mQa.jpg"
QUERIES = [
    "response-content-type=text/html",
    "Response-Content-Type=text/html",
    "a=b&%72esponse-content-type=text%2Fhtml&response-content-disposition=inline",
]


def test_report_01_behind_the_proxy_a_photo_is_a_photo_whatever_the_query(
    anywhere: Deployment,
) -> None:
    client, name = anywhere.client(), anywhere.bucket.name
    client.put_object(Bucket=name, Key=KEY, Body=PAGE, ContentType="image/jpeg")
    direct = f"{anywhere.bucket.server.endpoint_url}/{name}/{KEY}"
    assert httpx.get(f"{direct}?{QUERIES[0]}").headers["Content-Type"] == "text/html"
    with installed_or_skip(), nginx(SITE, anywhere.bucket.server.endpoint_url, name) as url:
        for query in QUERIES:
            for method in ("GET", "HEAD"):
                answer = httpx.request(method, f"{url}/{name}/{KEY}?{query}")
                assert answer.status_code == 200
                assert answer.headers["Content-Type"] == "image/jpeg"
                assert answer.headers.get_list("X-Content-Type-Options") == ["nosniff"]
                policy = answer.headers.get_list("Content-Security-Policy")
                assert policy == ["default-src 'none'; sandbox"]
                assert "Content-Disposition" not in answer.headers
        part = httpx.get(f"{url}/{name}/{KEY}?{QUERIES[0]}", headers={"Range": "bytes=0-3"})
        assert (part.status_code, part.content) == (206, PAGE[:4])
        assert httpx.put(f"{url}/{name}/{KEY}", content=b"x").status_code == 403
    client.delete_object(Bucket=name, Key=KEY)


def test_report_01_the_doctor_warns_without_the_proxy_and_passes_behind_it(
    anywhere: Deployment,
) -> None:
    warned = anywhere.doctor().of("response-headers", "warn")
    assert "turns a photo into a web page" in warned["detail"]
    assert "docs/operations/media.md" in warned["fix"]
    server, name = anywhere.bucket.server.endpoint_url, anywhere.bucket.name
    with_key(anywhere)
    with installed_or_skip(), nginx(SITE, server, name) as url:
        only_media = anywhere.doctor(MEDIA_URL=f"{url}/{name}/media")
        report = anywhere.doctor(S3_PUBLIC_URL=url)
    # Readers can still use the bucket's own address.
    assert f"{server}/{name}/media: " in only_media.of("response-headers", "warn")["detail"]
    assert report.of("response-headers", "ok")["detail"].endswith("has no effect: image/png")
    assert report.passed >= CHECKS
    assert report.failed == set()
    assert {"ticket", "put", "etag", "multipart", "incoming", "removal"} <= report.passed


def test_report_01_a_server_that_refuses_such_queries_passes(deployment: Deployment) -> None:
    """Amazon S3 answers 400 InvalidRequest to response-* in a request without a signature."""

    def like_aws(_: str, path: str, real: int, body: bytes) -> tuple[int, bytes]:
        if "response-content-type" in path and "X-Amz-Signature" not in path:
            return 400, b"<Error><Code>InvalidRequest</Code></Error>"
        return real, body

    with header_proxy(deployment.bucket.server.endpoint_url, rewrite=like_aws) as url:
        found = deployment.doctor(S3_PUBLIC_URL=url).of("response-headers", "ok")
    assert "400 InvalidRequest" in found["detail"]

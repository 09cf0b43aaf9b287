"""The shell recipes of docs/cookbook.md, unchanged, against real servers."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from broker.local.process import ServerNotInstalled, free_ports
from tests.http.client import JPEG
from tests.js_client.cookbook_page import blocks
from tests.python_client.live import Live, live_broker
from tests.servers import installed_or_skip
from tests.servers.fixtures import Bucket
from tests.servers.tls_proxy import self_signed, tls_proxy

MIB = 1024**2
PHOTO = JPEG + b"\x00\r\n\xff" * (7 * MIB // 4)
API = "http://127.0.0.1:8000"
COMMON, POST, PUT, PARTS = blocks("sh")
(WITHOUT_CURL,) = blocks("bash")


def live_in(stack: ExitStack, bucket: Bucket, folder: Path, **changes: object) -> Live:
    """Serve a broker with ad 1, and put a photo into the folder."""
    (folder / "photo.jpg").write_bytes(PHOTO)
    live = stack.enter_context(live_broker(bucket, folder, part_size=5 * MIB, **changes))
    assert live.ad() == 1
    return live


@pytest.fixture
def live(any_bucket: Bucket, tmp_path: Path) -> Iterator[Live]:
    with ExitStack() as stack:
        yield live_in(stack, any_bucket, tmp_path)


@pytest.fixture
def with_curl() -> str:
    return programs("bash", "curl", "jq", "openssl")


@pytest.fixture
def without_curl(tmp_path: Path) -> str:
    """Create a PATH that has only the programs that the recipe uses."""
    folder = tmp_path / "bin"
    folder.mkdir()
    names = ("bash", "openssl", "sed", "cat", "wc", "base64", "basename", "sleep")
    programs(*names)
    for name in names:
        (folder / name).symlink_to(str(shutil.which(name)))
    return str(folder)


def programs(*names: str) -> str:
    """Return a PATH with these programs. Skip the test if one is missing."""
    with installed_or_skip():
        for name in names:
            if shutil.which(name) is None:
                raise ServerNotInstalled(f"{name} is missing: apt-get install {name}")
    return os.environ["PATH"]


def run(
    folder: Path, url: str, token: str, path: str, *lines: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", "".join(lines).replace(API, url)],
        cwd=folder,
        env={"PATH": path, "TOKEN": token, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def recorded(live: Live, done: subprocess.CompletedProcess[str]) -> None:
    """Check that the script has printed the image's URL, which serves the photo."""
    assert done.returncode == 0, done.stderr
    (image,) = live.images(1)
    assert done.stdout.strip().splitlines()[-1] == image["image_url"]
    public = live.app.extensions["broker"].storage.head(f"media/{image['image']}")
    assert (public.content_length, public.content_type) == (len(PHOTO), "image/jpeg")


@pytest.mark.parametrize("lines", [POST, PUT, PARTS], ids=["post", "put", "multipart"])
def test_curl_sends_a_photo(live: Live, tmp_path: Path, with_curl: str, lines: str) -> None:
    recorded(live, run(tmp_path, live.url, live.token, with_curl, COMMON, lines))


def test_curl_resumes_with_the_missing_parts(
    live: Live, tmp_path: Path, with_curl: str, caplog: pytest.LogCaptureFixture
) -> None:
    first, rest = PARTS.split("\n", 1)
    run(tmp_path, live.url, live.token, with_curl, COMMON, first).check_returncode()
    ticket = json.loads((tmp_path / "ticket.json").read_text())
    wanted = {"parts": [{"part_number": 1}]}
    (part,) = live.user.post(ticket["upload"]["parts_url"], wanted).get_json()["parts"]
    httpx.put(part["url"], content=PHOTO[: part["size"]]).raise_for_status()
    recorded(live, run(tmp_path, live.url, live.token, with_curl, COMMON, rest))
    assert (tmp_path / "part").read_bytes() == PHOTO[part["size"] :]
    lines = [line for one in caplog.records for line in one.__dict__.get("lines", ())]
    parts = [line["method"] for line in lines if "/parts/" in line.get("path", "")]
    assert parts == ["POST", "GET", "POST"]


@pytest.mark.parametrize("lines", [POST, PUT, PARTS], ids=["post", "put", "multipart"])
def test_curl_prints_a_refusal_and_fails(
    live: Live, tmp_path: Path, with_curl: str, lines: str
) -> None:
    (tmp_path / "photo.jpg").write_bytes(
        JPEG
    )  # small enough to be sent before S3 closes the connection
    done = run(tmp_path, live.url, "no-token", with_curl, COMMON, lines)
    assert done.returncode != 0
    assert '"token_invalid"' in done.stderr
    changed = lines.replace(".upload.url ticket.json)", ".upload.url ticket.json)0", 1)
    if lines is PARTS:
        changed = lines.replace('-T part "$url"', '-T part "${url}0"').replace("--retry 5", "")
    done = run(tmp_path, live.url, live.token, with_curl, COMMON, changed)
    assert done.returncode != 0
    assert "<Error>" in done.stderr
    assert live.images(1) == []


def test_a_shell_without_curl_sends_a_photo(live: Live, tmp_path: Path, without_curl: str) -> None:
    recorded(live, run(tmp_path, live.url, live.token, without_curl, WITHOUT_CURL))


def test_a_shell_without_curl_prints_a_refusal_and_fails(
    live: Live, tmp_path: Path, without_curl: str
) -> None:
    (tmp_path / "photo.jpg").write_bytes(
        JPEG
    )  # small enough to be sent before S3 closes the connection
    refused = run(tmp_path, live.url, "no-token", without_curl, WITHOUT_CURL)
    assert refused.returncode != 0
    assert f"POST {live.url}/api/ads/1/upload_image/: 401\n" in refused.stderr
    assert "token_invalid" in refused.stderr
    unsigned = WITHOUT_CURL.replace('<<< "$ticket")" "$FILE"', '<<< "$ticket")0" "$FILE"')
    refused = run(tmp_path, live.url, live.token, without_curl, unsigned)
    assert refused.returncode != 0
    assert ": 403\n" in refused.stderr
    assert "<Code>SignatureDoesNotMatch</Code>" in refused.stderr
    assert "X-Amz-Signature" not in refused.stderr
    away = run(tmp_path, "http://127.0.0.1:1", live.token, without_curl, WITHOUT_CURL)
    assert away.returncode != 0
    assert ": no answer\n" in away.stderr
    assert live.images(1) == []


def test_a_shell_without_curl_uses_tls_and_checks_the_certificate(
    s3_bucket: Bucket, tmp_path: Path, without_curl: str
) -> None:
    certificate, key = self_signed(tmp_path)
    (port,) = free_ports(1)
    with ExitStack() as stack:
        endpoint = s3_bucket.server.endpoint_url
        public = stack.enter_context(tls_proxy(endpoint, certificate, key, port))
        live = live_in(stack, s3_bucket, tmp_path, s3_public_url=public)
        url = stack.enter_context(tls_proxy(live.url, certificate, key))
        strange = run(tmp_path, url, live.token, without_curl, WITHOUT_CURL)
        assert strange.returncode != 0
        assert "no answer" in strange.stderr
        by_address = url.replace("localhost", "127.0.0.1")
        trusted = {"SSL_CERT_FILE": str(certificate)}
        other = run(tmp_path, by_address, live.token, without_curl, WITHOUT_CURL, **trusted)
        assert other.returncode != 0
        done = run(tmp_path, url, live.token, without_curl, WITHOUT_CURL, **trusted)
        recorded(live, done)
        assert done.stdout.startswith(public)

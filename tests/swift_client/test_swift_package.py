"""The Swift package is compiled, runs its tests, and uploads to a broker with a worker.

`make swift` runs this; it needs Swift 6. On Linux everything is compiled except the few lines that
set up Apple's background session.
"""

import os
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from broker.local.process import free_ports
from tests.e2e.test_dev import broker_dev, token
from tests.photos import photo

PACKAGE = Path(__file__).parents[2] / "clients/swift"
MIB = 1024 * 1024


@pytest.mark.matrix(part="swift")
@pytest.mark.timeout(1200)
def test_the_swift_package_passes_its_tests_and_uploads_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("swift") is None:
        pytest.fail("Swift 6 is needed; on Debian 13 it is the package swiftlang")
    monkeypatch.delenv("BROKER_INSPECTION")
    monkeypatch.setenv("BROKER_MULTIPART_THRESHOLD", str(4 * MIB))
    small, large = tmp_path / "small.jpg", tmp_path / "large.jpg"
    small.write_bytes(photo())
    large.write_bytes(photo(8000, 6000))
    assert large.stat().st_size > 8 * MIB, "it must be sent in two parts"
    port, s3_port = free_ports(2)
    with broker_dev(tmp_path / "data", port, s3_port) as lines:
        url = f"http://127.0.0.1:{port}"
        assert f"ready {url}" in lines
        bearer = token(tmp_path / "data")
        ad = {"title": "a", "description": "b", "price": "1.00", "is_active": True}
        headers = {"Authorization": f"Bearer {bearer}"}
        created = httpx.post(f"{url}/api/ads/", json=ad, headers=headers).raise_for_status().json()
        variables = {
            "URL": url,
            "TOKEN": bearer,
            "AD": str(created["id"]),
            "PHOTO": str(small),
            "LARGE_PHOTO": str(large),
        }
        environment = {f"UPLOAD_BROKER_{name}": value for name, value in variables.items()}
        build = ["--package-path", str(PACKAGE), "--scratch-path", str(tmp_path / "build")]
        ran = subprocess.run(
            ["swift", "test", *build],
            env={**os.environ, "HOME": str(tmp_path), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert ran.returncode == 0, ran.stdout
        assert "warning:" not in ran.stdout
        images = httpx.get(f"{url}/api/ads/{created['id']}/").json()["images"]
    assert len(images) == 2
    assert all(image["variants"] for image in images)

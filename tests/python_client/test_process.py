"""The client in its own process: its imports, its memory, and a kill."""

import random
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest
from broker_client import Broker, NotFound, WrongFile

from broker.db.models import Upload
from tests.http.client import JPEG
from tests.python_client.discarding_server import discarding_server
from tests.python_client.live import Live

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024
MAX_GROWTH = 16 * MIB  # variation of the allocator; the larger file has 96 MiB more


def client(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.python_client.process", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_client_imports_nothing_of_the_server() -> None:
    code = (
        "import broker_client, sys; "
        "print(sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    assert "broker_client" in done.stdout, done.stderr
    for name in ("'broker'", "schemas", "flask", "sqlalchemy", "boto3"):
        assert name not in done.stdout


def test_the_wheel_has_types_and_licence_and_depends_only_on_httpx(tmp_path: Path) -> None:
    source = tmp_path / "source"  # build a copy, because the build writes files beside the code
    shutil.copytree(ROOT / "clients/python", source, ignore=shutil.ignore_patterns("*.egg-info"))
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    command = [sys.executable, "-m", "pip", "wheel", *options, "-w", str(tmp_path), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("upload_broker_client-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        files = set(archive.namelist())
        (metadata_file,) = [name for name in files if name.endswith(".dist-info/METADATA")]
        metadata = archive.read(metadata_file).decode()
    modules = {path.name for path in (ROOT / "clients/python/broker_client").glob("*.py")}
    assert {f"broker_client/{name}" for name in modules | {"py.typed"}} <= files
    assert any(name.endswith("/LICENSE") for name in files)
    needs = re.findall(r"^Requires-Dist: (\S+?)[<>=]", metadata, re.MULTILINE)
    assert needs == ["httpx"]


@pytest.mark.parametrize(
    "how",
    [
        ["multipart"],
        pytest.param(["multipart", "--async"], marks=pytest.mark.matrix(part="memory")),
        pytest.param(["post"], marks=pytest.mark.matrix(part="memory")),
    ],
    ids=" ".join,
)
def test_memory_does_not_grow_with_the_file(tmp_path: Path, how: list[str]) -> None:
    peaks = {}
    with discarding_server() as server:
        for size in (32, 128):
            file = tmp_path / f"{size}.jpg"
            with file.open("wb") as sparse:
                sparse.truncate(size * MIB)
            before = server.received
            done = client(server.url, "token", file, "--transport", *how)
            assert done.returncode == 0, done.stderr
            assert server.received - before >= size * MIB
            peaks[size] = int(done.stdout.split()[0])
    sys.stdout.write(f"{how}: {[f'{size} MiB: {peak / MIB:.1f}' for size, peak in peaks.items()]}")
    assert peaks[128] - peaks[32] < MAX_GROWTH
    assert peaks[128] < 64 * MIB


def test_another_process_resumes_the_upload_of_a_killed_one(live: Live, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(random.Random(40).randbytes(40 * MIB))
    ad = str(live.ad())
    options = ["--ad", ad, "--transport", "multipart"]
    # Four parts of 8 MiB are sent at a time: during the fifth, the first four have arrived.
    killed = client(live.url, live.token, photo, *options, "--die-at", str(33 * MIB))
    assert killed.returncode == -9
    with live.app.extensions["broker"].database.session() as session:
        upload_id = str(session.query(Upload).one().id)
    done = client(live.url, live.token, photo, "--resume", upload_id)
    assert done.returncode == 0, done.stderr
    _peak, first, url = done.stdout.split()
    assert int(first) == 8 * MIB  # parts that had arrived are counted and not sent again
    assert httpx.get(url, verify=False).content == photo.read_bytes()


def test_an_upload_can_be_resumed_only_with_the_same_file(
    live: Live, photo: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.jpg"
    other.write_bytes(JPEG[:-1] + b"x")
    ticket = live.user.ticket(live.ad()).get_json()
    with Broker(live.url, live.token) as broker:
        with pytest.raises(WrongFile):
            broker.resume(ticket["id"], other)
        image = broker.resume(ticket["id"], photo)
        assert broker.resume(ticket["id"], photo) == image == broker.confirm(ticket["id"])


def test_cancel_ends_an_upload(live: Live, photo: Path) -> None:
    ticket = live.user.ticket(live.ad()).get_json()
    with Broker(live.url, live.token) as broker:
        broker.cancel(ticket["id"])
        assert live.user.get(f"/api/uploads/{ticket['id']}/").get_json()["state"] == "cancelled"
        with pytest.raises(NotFound):
            broker.cancel("01997a3e-5b1c-7c41-9d3e-2f1a6b7c8d9e")

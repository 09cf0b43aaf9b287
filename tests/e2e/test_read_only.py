"""The processes run as in the container: an unprivileged user and a read-only root except /tmp.

These tests need no Docker. A mount namespace provides the read-only root and the tmpfs at /tmp that
docker-compose.yml requests; setpriv(1) drops the privileges.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from broker.inspection.sandbox import describe_child
from broker.inspection.self_test import photo_with_location
from broker.local.process import LOOPBACK, ServerNotInstalled, answers, free_ports
from tests.http.client import SECRET, declared, send
from tests.servers import installed_or_skip
from tests.servers.fixtures import Bucket

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text()
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
UID = "10001"
# $1 and $2 are the checkout and the folder of Python. If one of their parents, such as /root, is
# closed to other users, it is hidden, and only the two folders are mounted again. The same is done
# for /tmp.
CONTAINED = r"""
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /mnt
number=0
for kept in "$1" "$2"; do
    number=$((number + 1))
    mkdir /mnt/$number
    mount --rbind "$kept" /mnt/$number
done
mount -t tmpfs -o mode=1777,size=256m tmpfs /tmp
number=0
for kept in "$1" "$2"; do
    number=$((number + 1))
    closed= above=$kept
    while [ "$above" != / ]; do
        case $(stat -c %A "$above" 2>/dev/null) in *x|*t) ;; *) closed=$above ;; esac
        above=$(dirname "$above")
    done
    case $kept in /tmp/*) closed=/tmp hidden=/tmp ;; esac
    if [ -n "$closed" ]; then
        [ "$closed" = "$hidden" ] || mount -t tmpfs -o mode=755 tmpfs "$closed"
        hidden=$closed
        mkdir -p "$kept"
        mount --rbind /mnt/$number "$kept"
    fi
done
umount -l /mnt/1 /mnt/2
awk '$2 !~ "^/(proc|sys|dev)" {print $2}' /proc/self/mounts | while read -r point; do
    if [ "$point" != /tmp ] && mountpoint -q "$point"; then
        mount -o remount,bind,ro "$point"
    fi
done
cd "$1"
shift 2
exec setpriv --reuid "$UID" --regid "$UID" --clear-groups --no-new-privs --bounding-set=-all \
    --inh-caps=-all "$@"
"""
PROBE = """if True:
    import json, os, pathlib
    wrote = []
    for place in ("/", "/etc", "/usr", "/var/tmp", "/tmp", "/root", os.getcwd()):
        try:
            pathlib.Path(place, "written").write_text("x")
            wrote.append(place)
        except OSError:
            pass
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    caps = [status[name].strip() for name in ("CapEff", "CapPrm", "CapBnd")]
    print(json.dumps([wrote, os.getuid(), caps, status["NoNewPrivs"].strip()]))
"""
SELF_TEST = """if True:
    import dataclasses, json
    from broker.inspection.directories import inspection_root, remove_stale
    from broker.inspection.sandbox import describe_child, protect_parent
    from broker.inspection.self_test import self_test
    protect_parent()
    root = inspection_root()
    remove_stale(root)
    confinement = dataclasses.asdict(describe_child().confinement)
    print(json.dumps([self_test(root).failure, confinement]))
"""


@pytest.fixture(scope="module")
def contained() -> list[str]:
    """Return the command prefix that runs a program as in the container."""
    script = f"UID={UID} hidden=\n{CONTAINED}"
    command = ["unshare", "--mount", "sh", "-c", script, "sh", str(ROOT), sys.base_prefix]
    with installed_or_skip():
        if os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("setpriv")):
            raise ServerNotInstalled("unshare and setpriv are needed, and root to use them")
    return command


def readme_token(contained: list[str], environment: dict[str, str]) -> str:
    """Create a token with the README's command for the container."""
    (script,) = re.findall(r"^docker compose exec api sh -c '(.*)'$", README, re.MULTILINE)
    done = subprocess.run(
        [*contained, "sh", "-c", script],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    return done.stdout.strip()


def test_only_tmp_is_writable_and_no_privilege_can_be_gained(contained: list[str]) -> None:
    done = subprocess.run(
        [*contained, sys.executable, "-c", PROBE],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    nothing = "0" * 16
    assert json.loads(done.stdout) == [["/tmp"], int(UID), [nothing] * 3, "1"]


def test_a_worker_passes_its_self_test_and_confines_its_children(contained: list[str]) -> None:
    done = subprocess.run(
        [*contained, sys.executable, "-c", SELF_TEST], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    # The unprivileged user confines them as much as root does.
    assert json.loads(done.stdout) == [None, asdict(describe_child().confinement)]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_photo_is_published_by_the_contained_api_and_background_processes(
    contained: list[str], s3_bucket: Bucket, database_url: str
) -> None:
    port, background_port = free_ports(2)
    environment = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_ACCESS_KEY_ID": s3_bucket.server.access_key,
        "AWS_SECRET_ACCESS_KEY": s3_bucket.server.secret_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "BROKER_DATABASE_URL": database_url,
        "BROKER_S3_BUCKET": s3_bucket.name,
        "BROKER_S3_ENDPOINT_URL": s3_bucket.server.endpoint_url,
        "BROKER_DRAIN_SECONDS": "0",
    }
    with_secret = environment | {"BROKER_JWT_SECRET": SECRET}

    def command_of(service: str) -> list[str]:
        words: list[str] = COMPOSE["services"][service]["command"]
        return [*contained, *map(str, words)]

    for service in ("migrate", "bucket"):
        subprocess.run(command_of(service), env=environment, check=True, timeout=60)
    api = [word.replace("0.0.0.0", LOOPBACK).replace("8000", str(port)) for word in image_command()]
    words = command_of("background")
    background = [word.replace("9103", str(background_port)) for word in words]
    photo = photo_with_location()
    with (
        _running([*contained, *api], with_secret, f"http://{LOOPBACK}:{port}/readyz"),
        _running(background, environment, f"http://{LOOPBACK}:{background_port}/metrics"),
        httpx.Client(base_url=f"http://{LOOPBACK}:{port}", timeout=30) as client,
    ):
        client.headers["Authorization"] = f"Bearer {readme_token(contained, with_secret)}"
        ad = client.post("/api/ads/", json={"title": "A bicycle", "price": "1.00"}).json()
        ask = f"/api/ads/{ad['id']}/upload_image/"
        ticket: dict[str, Any] = client.post(ask, json=declared(photo)).json()
        assert send(ticket, photo).status_code == 201
        confirmed = client.post(ticket["confirm_url"])
        assert confirmed.status_code == 202, confirmed.text
        upload, pause = confirmed.json(), threading.Event()
        while upload["state"] == "processing":
            pause.wait(0.1)
            upload = client.get(f"/api/uploads/{ticket['id']}/").json()
        assert upload["state"] == "confirmed", upload
        published = httpx.get(upload["image"]["image_url"]).content
        assert published[:2] == photo[:2]
        assert b"Exif" not in published
    once = [*contained, "broker", "reap", "--once"]
    done = subprocess.run(once, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.split()[:2]) == (0, ["kept", "0"]), done.stderr


@contextlib.contextmanager
def _running(command: list[str], environment: dict[str, str], url: str) -> Iterator[None]:
    """Run a process until the end of the block; it must end well at SIGTERM."""
    with subprocess.Popen(command, env=environment) as process:
        try:
            pause = threading.Event()
            while not answers(url):
                assert process.poll() is None
                pause.wait(0.1)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def image_command() -> list[str]:
    """Return the last CMD of the Dockerfile. Only the last one has an effect."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if "CMD" in line]
    words: list[str] = json.loads(lines[-1].removeprefix("CMD "))
    return words

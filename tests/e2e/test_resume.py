"""60 MiB over a bad network: connections drop, and a new process resumes the upload."""

import json
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from broker.app import create_app
from broker.db import migrate
from tests.e2e.live import served
from tests.http.client import Client, token
from tests.servers.cutting_proxy import cutting_proxy
from tests.servers.fixtures import Bucket

MIB = 1024 * 1024
ROOT = Path(__file__).parents[2]


def upload(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the uploader in a new process that knows only the id of the upload."""
    command = [sys.executable, "-m", "tests.e2e.uploader", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def sent(log: str) -> list[int]:
    return [int(number) for number in re.findall(r"^sent part (\d+): 200$", log, re.MULTILINE)]


def test_a_60_mib_upload_is_resumed_by_a_process_that_knows_only_its_id(
    any_bucket: Bucket, tmp_path: Path
) -> None:
    photo = random.Random(60).randbytes(60 * MIB)
    file = tmp_path / "photo.jpg"
    file.write_bytes(photo)
    # The first six connections drop after 1 to 6 MiB; every part has 8 MiB.
    budgets = [drop * MIB for drop in range(1, 7)]
    with cutting_proxy(any_bucket.server.endpoint_url, budgets) as network:
        settings = any_bucket.settings.model_copy(
            update={
                "database_url": f"sqlite:///{tmp_path / 'broker.db'}",
                "s3_public_url": network.url,
            }
        )
        migrate.upgrade(settings.database_url)
        app = create_app(settings)
        alice = Client(app, token(1))
        ticket: dict[str, Any] = alice.ticket(alice.ad(), photo).get_json()
        assert ticket["upload"]["part_count"] == 8
        with served(app) as port:
            known = (f"http://127.0.0.1:{port}", alice.token or "", ticket["id"], file)
            first = upload(*known, "--die-after", "4")
            second = upload(*known)
        sys.stdout.write(f"--- before\n{first.stdout}--- after\n{second.stdout}")
        image = alice.post(ticket["confirm_url"]).get_json()
        app.extensions["broker"].database.dispose()
        assert httpx.get(image["image_url"]).content == photo
    assert (first.returncode, second.returncode) == (9, 0), first.stderr + second.stderr
    # There are fewer than six if the process died while one of these connections was open.
    assert network.cut >= first.stdout.count("cut part") >= 3
    before, after = sent(first.stdout), sent(second.stdout)
    found = re.match(r"arrived \[(.*?)\], missing \[(.*?)\]", second.stdout)
    assert found is not None
    arrived, missing = (json.loads(f"[{numbers}]") for numbers in found.groups())
    # Every acknowledged part has arrived; parts in transit at the crash may have arrived, too.
    assert len(before) >= 4
    assert set(before) <= set(arrived)
    assert sorted(after) == missing
    assert sorted(arrived + missing) == list(range(1, 9))

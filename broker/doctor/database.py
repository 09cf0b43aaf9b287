"""Check that the database answers, is migrated, and accepts writes."""

import os
from collections.abc import Iterator

from broker.db import probe
from broker.db.probe import DatabaseFault
from broker.db.schema_version import is_behind
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, warn

REACHED, MIGRATED, WRITABLE = "database", "database-migrated", "database-writable"
SETTING = "BROKER_DATABASE_URL"
WORKERS = ("GRANIAN_WORKERS", "WEB_CONCURRENCY")


def reached(examination: Examination) -> Iterator[Finding]:
    """Make one round trip."""
    url = examination.settings.database_url
    try:
        server = probe.reach(url)
    except DatabaseFault as fault:
        missing = "no file" in str(fault)
        yield fail(
            REACHED,
            f"the database cannot be used: {fault}",
            setting=SETTING,
            fix="broker db upgrade" if missing else f"start the database, or correct {SETTING}",
        )
        return
    many = [name for name in WORKERS if os.environ.get(name, "1") not in ("", "1")]
    if probe.dialect(url) == "sqlite" and many:
        yield warn(
            REACHED,
            f"{server} answers, but several workers wait for each other's writes",
            setting=SETTING,
            fix=f"use PostgreSQL, or {many[0]}=1",
        )
    else:
        yield ok(REACHED, f"{server} answers")


def migrated(examination: Examination) -> Iterator[Finding]:
    """Compare the database's migration with the newest one."""
    try:
        current, head = probe.migrations(examination.settings.database_url)
    except DatabaseFault as fault:
        yield fail(
            MIGRATED,
            f"the database's migration cannot be read: {fault}",
            setting=SETTING,
            fix="allow the broker's user to read alembic_version",
        )
        return
    if current == head:
        yield ok(MIGRATED, f"at {head}, the newest migration")
    elif not is_behind(current):
        yield ok(MIGRATED, f"at {current}, a migration of a later release; this one needs {head}")
    else:
        yield fail(
            MIGRATED,
            f"the database is at {current or 'no migration'}, but this broker needs {head}",
            setting=SETTING,
            fix="broker db upgrade",
        )


def writable(examination: Examination) -> Iterator[Finding]:
    """Insert a row and roll it back."""
    try:
        probe.write(examination.settings.database_url)
    except DatabaseFault as fault:
        yield fail(
            WRITABLE,
            f"the database cannot be written: {fault}",
            setting=SETTING,
            fix="allow the broker's user to insert, update and delete; use the primary database",
        )
    else:
        yield ok(WRITABLE, "a row was inserted and rolled back")

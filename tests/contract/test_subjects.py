"""Subjects and ids in both databases: concurrent sign-ins, taken ids, and release 0.2."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from alembic import command
from sqlalchemy import MetaData, func, select, text

from broker.db import migrate
from broker.db.models import User
from broker.db.session import Database
from broker.domain import subjects
from broker.domain.limits import Limits
from broker.domain.principal import Principal
from broker.domain.subjects import MAPPED_MAX, MAPPED_MIN, own_id
from broker.services.marketplace import sign_in as module
from broker.services.marketplace.ads import create_ad
from broker.services.marketplace.sign_in import sign_in
from broker.services.marketplace.users import get_own_user
from broker.services.work import Work

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
LARGE_IDS = [2**52, 2**53 - 1, 2**53, 2**60 + 1, 2**63 - 1]


def caller_of(database: Database, caller: Principal, act: Callable[[Work], Any]) -> Any:
    nothing: Any = None
    with database.session() as session:
        return act(
            Work(session=session, storage=nothing, limits=Limits(), principal=caller, now=NOW)
        )


def signed_in(database: Database, subject: str) -> int:
    caller = Principal(user_id=own_id(subject) or 0, subject=subject)
    user_id: int = caller_of(database, caller, sign_in).user_id
    return user_id


def insert_as_0_2(database: Database, user_id: int) -> None:
    """Insert a user as release 0.2 does, without a subject."""
    with database.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO users (id, email, first_name, last_name, created_at, updated_at)"
                " VALUES (:id, NULL, '', '', :now, :now) ON CONFLICT DO NOTHING"
            ),
            {"id": user_id, "now": "2026-11-01 00:00:00.000000"},
        )


def at_once(database: Database, wanted: list[str]) -> list[int]:
    barrier = threading.Barrier(len(wanted))
    found: dict[int, int] = {}
    failures: list[BaseException] = []

    def use(place: int) -> None:
        try:
            barrier.wait(timeout=30)
            found[place] = signed_in(database, wanted[place])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=use, args=(place,)) for place in range(len(wanted))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failures == []
    return [found[place] for place in range(len(wanted))]


def test_report_24_twenty_first_sign_ins_of_one_subject_create_one_user(
    database: Database,
) -> None:
    assert len(set(at_once(database, ["auth0|new"] * 20))) == 1
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(User)) == 1


def test_report_24_twenty_first_sign_ins_of_different_subjects_create_twenty_users(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if most of the random ids are drawn twice."""
    monkeypatch.setattr(module, "TRIES", 500)
    monkeypatch.setattr(
        subjects.secrets, "randbelow", lambda limit: subjects.secrets.randbits(5) % limit
    )
    wanted = [str(uuid4()) for _ in range(20)]
    ids = at_once(database, wanted)
    assert len(set(ids)) == 20
    assert [signed_in(database, subject) for subject in wanted] == ids


def test_report_24_a_sign_in_stops_trying_when_all_drawn_ids_are_taken(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subjects.secrets, "randbelow", lambda _limit: 0)
    assert signed_in(database, "ada") == MAPPED_MIN
    with pytest.raises(RuntimeError, match="no free id"):
        signed_in(database, "bob")
    assert signed_in(database, "ada") == MAPPED_MIN


def test_report_24_a_decimal_subject_never_gets_the_id_of_a_mapped_one(
    database: Database,
) -> None:
    taken = signed_in(database, "auth0|ada")
    other = signed_in(database, str(taken))
    assert other != taken
    assert MAPPED_MIN <= other <= MAPPED_MAX
    assert signed_in(database, str(taken)) == other
    assert signed_in(database, "auth0|ada") == taken


def test_report_24_the_migration_keeps_ids_from_2_to_the_52_for_their_decimal_subjects(
    empty_database: Database,
) -> None:
    url = empty_database.engine.url.render_as_string(hide_password=False)
    command.upgrade(migrate.configuration(url), "0008")
    for known in (7, 2**52 - 1, *LARGE_IDS):
        insert_as_0_2(empty_database, known)
    migrate.upgrade(url)
    with empty_database.engine.connect() as connection:
        tables = MetaData()
        tables.reflect(connection, only=["users"])
        users = tables.tables["users"].c
        stored = connection.execute(select(users.id, users.subject).order_by(users.id)).all()
    assert [tuple(row) for row in stored] == [
        *((7, None), (2**52 - 1, None)),
        *((user_id, str(user_id)) for user_id in LARGE_IDS),
    ]
    assert signed_in(empty_database, "7") == 7
    for user_id in LARGE_IDS:
        assert signed_in(empty_database, str(user_id)) == user_id
        assert signed_in(empty_database, f"0{user_id}") not in (7, *LARGE_IDS)


def test_report_24_a_user_that_0_2_creates_during_the_upgrade_is_found_by_the_subject(
    database: Database,
) -> None:
    for user_id in LARGE_IDS:
        insert_as_0_2(database, user_id)
        assert set(at_once(database, [str(user_id)] * 4)) == {user_id}
        caller = Principal(user_id=0, subject=str(user_id))
        assert caller_of(database, caller, get_own_user).user.id == user_id


def test_report_24_0_2_finds_a_user_of_this_release_by_a_decimal_subject(
    database: Database,
) -> None:
    for user_id in (2**52, 2**53 - 1):
        assert signed_in(database, str(user_id)) == user_id
        insert_as_0_2(database, user_id)
    with database.session() as session:
        assert session.scalar(select(func.count()).select_from(User)) == 2


def test_report_24_a_mapped_id_is_never_that_of_a_user_whom_0_2_created(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert_as_0_2(database, MAPPED_MIN + 5)
    drawn = iter([5, 6])
    monkeypatch.setattr(subjects.secrets, "randbelow", lambda _limit: next(drawn))
    assert signed_in(database, "auth0|ada") == MAPPED_MIN + 6


def test_report_24_a_remembered_user_gets_the_row_and_the_id_again_after_a_restore(
    database: Database,
) -> None:
    user_id = signed_in(database, "auth0|ada")
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM users"))
    caller = Principal(user_id=user_id, subject="auth0|ada")
    fields = {"title": "x", "description": "", "price": Decimal(1), "is_active": True}
    view = caller_of(database, caller, lambda work: create_ad(work, fields))
    assert view.ad.owner_id == view.owner.id == user_id
    assert view.owner.subject == "auth0|ada"

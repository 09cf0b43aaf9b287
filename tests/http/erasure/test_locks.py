"""Requests that begin while an erasure runs wait for it, and then find an erased user or owner."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select, text

from broker.db.models import Ad, Upload, UppySession
from broker.domain.states import UNFINISHED
from tests.http.client import Client, declared, rows, token
from tests.http.erasure.erasing import erase, issued
from tests.http.owners.granted import PROFILES, entry

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
GALLERY, LOGO = "/api/owners/gallery/1/", "/api/owners/logo/1/"
USER = "/api/users/1/"
NEW_AD = {"title": "A", "description": "", "price": "1.00"}
MEET: list[tuple[str, str, Any, set[int]]] = [
    (USER, f"{USER}upload_avatar/", declared(), {404}),
    # A service has no quota, and so another statement.
    (USER, f"{USER}upload_avatar/?service", declared(), {404}),
    (USER, f"{GALLERY}uploads/", declared(), {401}),
    (USER, f"{LOGO}uploads/", declared(), {401}),
    (USER, "/api/ads/", NEW_AD, {401}),
    (USER, f"{USER}uppy_session/", None, {404}),
    (USER, f"{GALLERY}uppy_session/", None, {404}),
    (GALLERY, f"{GALLERY}uploads/", declared(), {403}),
    (LOGO, f"{LOGO}uploads/", declared(), {403}),
    (GALLERY, f"{GALLERY}uppy_session/", None, {403}),
]
# These run in `make test`, the others in `make matrix`.
QUICK = (MEET[0], MEET[2], MEET[4], MEET[-3])
BLOCKED = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")


@pytest.mark.parametrize(
    ("erased", "path", "body", "expected"),
    [
        pytest.param(*case, marks=[] if case in QUICK else pytest.mark.matrix(part="walks"))
        for case in MEET
    ],
)
def test_a_request_waits_for_an_erasure_that_has_begun(
    make_app: Callable[..., Flask],
    tmp_path: Path,
    erased: str,
    path: str,
    body: Any,
    expected: set[int],
) -> None:
    (tmp_path / "profiles.toml").write_text(PROFILES)
    app = make_app(profiles_file=tmp_path / "profiles.toml")
    service = Client(app, token(900, role="service"))
    grants = [entry("1", profile=name) for name in ("gallery", "logo")]
    user = issued(app, 1, authorization_details=grants)
    for owner in (GALLERY, LOGO):
        assert user.post(f"{owner}uploads/", declared()).status_code == 201
    answers: list[Any] = []
    caller = service if "?service" in path else user
    thread = threading.Thread(target=lambda: answers.append(caller.post(path, body)))
    database = app.extensions["broker"].database

    def after_the_locks(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "INSERT INTO erasures" in statement and thread.ident is None:
            thread.start()
            with database.engine.connect() as watching:
                while thread.is_alive() and not watching.scalar(BLOCKED):
                    watching.rollback()

    event.listen(database.engine, "before_cursor_execute", after_the_locks)
    try:
        erase(service, erased)
    finally:
        event.remove(database.engine, "before_cursor_execute", after_the_locks)
    thread.join(timeout=30)
    assert {answer.status_code for answer in answers} == expected, answers[0].text
    assert rows(app, Ad) == rows(app, UppySession) == 0
    with database.session() as session:
        which = (Upload.user_id == 1, Upload.state.in_(UNFINISHED))
        left = set(session.scalars(select(Upload.owner_kind).where(*which)))
    assert left == (set() if erased == USER else {"gallery", "logo"} - {erased.split("/")[3]})

"""Concurrent first tickets for an owner by token, and a profile that has changed meanwhile."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select

from broker.db.models import Owner, Upload, UserQuota
from broker.services.reconcile.verify_rows import wrong_rows
from tests.http.client import at_once, declared, rows
from tests.http.first import FIRST_DATABASE
from tests.http.owners.granted import PRODUCT, PROFILES, caller, entry, everything

GALLERY_COUNT = 5


def statuses(answers: list[Any]) -> dict[int, int]:
    codes = [answer.status_code for answer in answers]
    return {code: codes.count(code) for code in set(codes)}


def test_twenty_first_tickets_at_once_make_one_owner_and_keep_its_limit(app: Flask) -> None:
    ada = caller(app, "ada", entry("42", profile="gallery"), entry("42"))
    ada.get("/api/users/me/")
    answers = at_once(20, lambda: ada.post("/api/owners/gallery/42/uploads/", declared()))
    assert statuses(answers) == {201: GALLERY_COUNT, 409: 20 - GALLERY_COUNT}
    with app.extensions["broker"].database.session() as session:
        (owner,) = session.scalars(select(Owner)).all()
        assert (owner.owner_kind, owner.owner) == ("gallery", "42")
        assert owner.slots_taken == GALLERY_COUNT
        assert set(session.scalars(select(Upload.owner_id))) == {owner.id}
        assert session.scalars(select(UserQuota.files_taken)).one() == GALLERY_COUNT
    with app.extensions["broker"].system_work() as work:
        assert list(wrong_rows(work)) == []


@FIRST_DATABASE
def test_sessions_and_tickets_at_once_make_one_owner(app: Flask) -> None:
    ada = caller(app, "ada", entry("42"))
    ada.get("/api/users/me/")
    paths = iter([f"{PRODUCT}/uploads/", f"{PRODUCT}/uppy_session/"] * 10)

    def ask() -> Any:
        path = next(paths)
        return ada.post(path, declared() if path.endswith("uploads/") else {})

    assert statuses(at_once(20, ask)) == {201: 20}
    assert rows(app, Owner) == 1
    with app.extensions["broker"].database.session() as session:
        assert session.scalars(select(Owner.slots_taken)).one() == 10


@FIRST_DATABASE
def test_a_process_with_the_former_prefix_of_a_profile_is_refused_and_writes_nothing(
    app: Flask, make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    """The second process started with another prefix while the profile had no uploads."""
    changed = tmp_path / "changed.toml"
    changed.write_text(PROFILES.replace("products/product_", "goods/product_"))
    newer = caller(make_app(profiles_file=changed), "ada", entry("42"))
    ada = caller(app, "ada", entry("42"))
    ada.get("/api/users/me/")
    for _ in ("a new owner", "a known owner"):
        before = everything(app)
        for answer in (
            ada.post(f"{PRODUCT}/uploads/", declared()),
            ada.post(f"{PRODUCT}/uploads/batch/", {"files": [declared()]}),
            ada.post(f"{PRODUCT}/uppy_session/", {}),
        ):
            assert (answer.status_code, "goods" in answer.text) == (503, False)
        assert everything(app) == before
        ticket = newer.post(f"{PRODUCT}/uploads/", declared())
        assert ticket.get_json()["key"].startswith("goods/product_42/")

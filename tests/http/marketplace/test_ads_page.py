"""The Django snippet of docs/ads.md runs unchanged, with stand-ins for Django and its model."""

import contextlib
import re
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from tests.e2e.live import served
from tests.http.client import SECRET, Client

PAGE = (Path(__file__).parents[3] / "docs/ads.md").read_text()
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Rows:
    """The rows of a model: the methods of Django's manager that the snippet uses."""

    def __init__(self) -> None:
        self.by_id: dict[int, Any] = {}

    def select_for_update(self) -> "Rows":
        return self

    def filter(self, *, pk: int) -> SimpleNamespace:
        return SimpleNamespace(first=lambda: self.by_id.get(pk))


@pytest.fixture
def django(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Return what the snippet imports; `receivers` are the functions that it connects."""
    receivers: list[Callable[..., None]] = []
    transaction = SimpleNamespace(
        atomic=contextlib.nullcontext, on_commit=lambda act: act(), name="transaction"
    )
    found = SimpleNamespace(
        ad=SimpleNamespace(objects=Rows()), settings=SimpleNamespace(), receivers=receivers
    )
    contents: dict[str, dict[str, Any]] = {
        "ads.models": {"Ad": found.ad},
        "django.conf": {"settings": found.settings},
        "django.db": {"transaction": transaction},
        "django.db.models.signals": {"post_save": "save", "post_delete": "delete"},
        "django.dispatch": {"receiver": lambda signals, sender: receivers.append},
    }
    for name, members in contents.items():
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    for name in ("ads", "django", "django.db.models"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    return found


def test_the_django_snippet_puts_and_deletes_each_ad(
    make_app: Callable[..., Flask], django: SimpleNamespace
) -> None:
    app = make_app(ads_created_by="service")
    anyone = Client(app, None)
    (snippet,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    fields = {"title": "A bicycle", "description": "Red.", "is_active": True, "is_sold": False}
    with served(app) as port:
        vars(django.settings).update(
            BROKER_URL=f"http://127.0.0.1:{port}", BROKER_JWT_SECRET=SECRET
        )
        exec(snippet, {})  # noqa: S102
        (on_change,) = django.receivers
        row = SimpleNamespace(pk=42, seller_id=7, price=Decimal(850), **fields)
        django.ad.objects.by_id[42] = row
        for sold in (False, True):
            row.is_sold = sold
            on_change(instance=row)
            shown = anyone.get("/api/ads/42/").get_json()
            assert (shown["owner"], shown["price"], shown["is_sold"]) == (7, "850.00", sold)
        del django.ad.objects.by_id[42]
        on_change(instance=row)
        on_change(instance=row)
    assert anyone.get("/api/ads/42/").status_code == 404

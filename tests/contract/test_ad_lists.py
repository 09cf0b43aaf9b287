"""Lists of ads read few rows more than they return, whatever the filters, on both databases."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from broker.db.fast_path.driver_cursors import DriverCursor
from broker.db.session import Database
from broker.services.marketplace.ad_views import ad_views

ADS = 20_000
LIMIT = 21
# Nearly all ads are for sale. The few others are old, as they are in a marketplace. `n` is the id.
RARE = f"(n < {ADS // 2} AND n % 100 IN (7, 8))"
VALUES = f"""n, 1 + n % 500, 'A bicycle', '', 100,
    NOT ({RARE} AND n % 100 = 7), ({RARE} AND (n % 100 = 8 OR n % 3 = 0)), {{now}}, {{now}}"""
COLUMNS = "id, owner_id, title, description, price, is_active, is_sold, created_at, updated_at"
USER_COLUMNS = "id, first_name, last_name, created_at, updated_at"
NUMBERS = "WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {}) "
Filters = dict[str, bool]
RARE_FILTERS: dict[str, Filters] = {
    "ix_ads_inactive": {"is_active": False},
    "ix_ads_sold": {"is_sold": True},
    "ix_ads_active_sold": {"is_active": True, "is_sold": True},
    "ix_ads_inactive_sold": {"is_active": False, "is_sold": True},
    "ix_ads_inactive_unsold": {"is_active": False, "is_sold": False},
}
COMMON_FILTERS: list[Filters] = [
    {},
    {"is_active": True},
    {"is_sold": False},
    {"is_active": True, "is_sold": False},
]
Explain = Callable[..., str]


@pytest.fixture
def explain(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Explain]:
    """Yield a function that returns the plan of a list, with the row counts on PostgreSQL."""
    on_sqlite = database.engine.dialect.name == "sqlite"
    now = "'2026-01-01 00:00:00.000000'"
    with database.session() as session:
        for table, columns, count, values in (
            ("users", USER_COLUMNS, 500, f"n, '', '', {now}, {now}"),
            ("ads", COLUMNS, ADS, VALUES.format(now=now)),
        ):
            select = f"{NUMBERS.format(count)} SELECT {values} FROM g"
            session.execute(text(f"INSERT INTO {table} ({columns}) {select}"))
        if not on_sqlite:
            session.execute(text("ANALYZE ads"))
        session.commit()

        def plan(before_id: int | None, **filters: Any) -> str:
            executed: list[tuple[str, Any]] = []
            rows = DriverCursor._rows

            def recorded(cursor: DriverCursor, found: Any, bound: Any) -> Any:
                executed.append((found.text, bound))
                return rows(cursor, found, bound)

            with monkeypatch.context() as patched:
                patched.setattr(DriverCursor, "_rows", recorded)
                asked = {"owner": None, "is_active": None, "is_sold": None, **filters}
                views = ad_views(session, before_id=before_id, limit=LIMIT, **asked)
            assert all(
                getattr(view.ad, "owner_id" if name == "owner" else name) == value
                for view in views
                for name, value in filters.items()
            )
            statement, values = executed[0]
            how = "EXPLAIN QUERY PLAN" if on_sqlite else "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF)"
            driver: Any = session.connection().connection.driver_connection
            lines = driver.execute(f"{how} {statement}", values).fetchall()
            session.rollback()
            return "\n".join(str(line[-1]) for line in lines)

        yield plan


def removed(plan: str) -> int:
    """Return how many rows PostgreSQL read in vain."""
    return sum(map(int, re.findall(r"Rows Removed by Filter: (\d+)", plan)))


def test_a_filter_that_matches_few_ads_uses_an_index(explain: Explain) -> None:
    for index, filters in RARE_FILTERS.items():
        for before_id in (None, ADS // 2, 1_000):
            plan = explain(before_id, **filters)
            # PostgreSQL may use the index of one flag, if few of its ads have the other flag.
            used = index if "SEARCH" in plan else "ix_ads_"
            assert f" {used}" in plan, (before_id, plan)
            assert removed(plan) <= 10 * LIMIT


def test_a_filter_that_matches_most_ads_reads_them_in_their_order(explain: Explain) -> None:
    for filters in COMMON_FILTERS:
        for before_id in (None, ADS // 2, 1_000):
            plan = explain(before_id, **filters)
            assert "TEMP B-TREE" not in plan
            assert "Sort" not in plan
            assert removed(plan) <= 10 * LIMIT
            assert "SCAN ads" not in plan
            assert "Seq Scan on ads" not in plan


def test_the_ads_of_an_owner_are_found_by_the_owner_whatever_the_flags(explain: Explain) -> None:
    for filters in (*RARE_FILTERS.values(), *COMMON_FILTERS):
        for before_id in (None, ADS // 2, 1_000):
            plan = explain(before_id, owner=7, **filters)
            # A rare flag may have fewer ads than the owner has.
            assert "ix_ads_owner_id" in plan or (filters and "ix_ads_" in plan), plan

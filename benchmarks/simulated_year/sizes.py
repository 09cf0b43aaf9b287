"""The rows and bytes of each table, after it was packed."""

from dataclasses import dataclass

from sqlalchemy import Engine, text

TABLES = (
    *("uploads", "images", "image_variants", "events", "reported_failures"),
    *("idempotency_keys", "users", "user_quotas", "ads"),
)


@dataclass(frozen=True, kw_only=True)
class Size:
    """The rows of a table, its bytes, and the bytes of its indexes."""

    rows: int
    table: int
    indexes: int


def sizes(engine: Engine) -> dict[str, Size]:
    """Pack the database; return the size of each table."""
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM" if is_sqlite else "VACUUM FULL ANALYZE"))
        found = {}
        for name in TABLES:
            rows = connection.scalar(text(f"SELECT count(*) FROM {name}"))  # noqa: S608
            if is_sqlite:
                table, indexes = connection.execute(
                    text(
                        "SELECT sum(pgsize) FILTER (WHERE name = :name),"
                        " coalesce(sum(pgsize) FILTER (WHERE name <> :name), 0) FROM dbstat"
                        " WHERE name IN (SELECT name FROM sqlite_master WHERE tbl_name = :name)"
                    ),
                    {"name": name},
                ).one()
            else:
                table, indexes = connection.execute(
                    text(f"SELECT pg_table_size('{name}'), pg_indexes_size('{name}')")  # noqa: S608
                ).one()
            found[name] = Size(rows=rows or 0, table=table or 0, indexes=indexes)
        return found

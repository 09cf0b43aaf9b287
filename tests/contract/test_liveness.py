"""A pooled connection that the server has closed is not used."""

from sqlalchemy import text

from broker.db.session import Database
from tests.servers.postgres import Postgres

PID = text("SELECT pg_backend_pid()")


def test_a_connection_that_the_server_closed_in_the_pool_is_replaced(
    postgres_server: Postgres,
) -> None:
    url = postgres_server.url(postgres_server.create_database())
    database, operator = Database(url), Database(url)
    with database.session() as session:
        pid = session.scalar(PID)
    with operator.session() as session:
        # True when the process has ended.
        ended = session.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    assert ended
    with database.session() as session:
        assert session.scalar(PID) != pid
    with database.session() as session:
        again = session.scalar(PID)
    with database.session() as session:
        assert session.scalar(PID) == again
    database.dispose()
    operator.dispose()

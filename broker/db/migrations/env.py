"""What Alembic runs: the models' metadata, on the URL that `migrate.configuration` was given."""

from alembic import context

from broker.db.engine import make_engine
from broker.db.models import Base


def run() -> None:
    """Run the migrations in one transaction where the database has transactional DDL."""
    engine = make_engine(context.config.attributes["url"])
    try:
        with engine.connect() as connection:
            context.configure(
                connection=connection,
                target_metadata=Base.metadata,
                render_as_batch=connection.dialect.name == "sqlite",
            )
            with context.begin_transaction():
                context.run_migrations()
            connection.commit()
    finally:
        engine.dispose()


run()

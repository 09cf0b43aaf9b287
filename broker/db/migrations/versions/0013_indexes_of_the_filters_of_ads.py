"""An index for each filter of the list of ads"""

import sqlalchemy as sa
from alembic import op


revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

# The condition of each index of ads. An operator may create them before, without blocking writes.
INDEXES = {
    'ix_ads_active': {'is_active': True},
    'ix_ads_inactive': {'is_active': False},
    'ix_ads_sold': {'is_sold': True},
    'ix_ads_unsold': {'is_sold': False},
    'ix_ads_active_sold': {'is_active': True, 'is_sold': True},
    'ix_ads_active_unsold': {'is_active': True, 'is_sold': False},
    'ix_ads_inactive_sold': {'is_active': False, 'is_sold': True},
    'ix_ads_inactive_unsold': {'is_active': False, 'is_sold': False},
}


def upgrade() -> None:
    """Apply. `ads` is read once for each index; writes to it wait meanwhile."""
    for name in unfinished():
        op.drop_index(name, table_name='ads')
    for name, flags in INDEXES.items():
        sqlite = ' AND '.join(f'{flag} = {int(value)}' for flag, value in flags.items())
        postgresql = ' AND '.join(f'{flag} = {str(value).lower()}' for flag, value in flags.items())
        op.create_index(
            name, 'ads', ['id'], if_not_exists=True,
            sqlite_where=sa.text(sqlite), postgresql_where=sa.text(postgresql),
        )


def unfinished() -> list[str]:
    """Return the indexes that PostgreSQL never uses: CREATE INDEX CONCURRENTLY was interrupted."""
    connection = op.get_bind()
    if connection.dialect.name == 'sqlite':
        return []
    found = connection.exec_driver_sql(
        'SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid'
        " WHERE indrelid = 'ads'::regclass AND NOT indisvalid"
    ).scalars()
    return [name for name in found if name in INDEXES]


def downgrade() -> None:
    """Revert."""
    for name in INDEXES:
        op.drop_index(name, table_name='ads')

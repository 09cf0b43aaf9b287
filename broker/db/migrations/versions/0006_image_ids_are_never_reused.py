"""Image ids are never reused: SQLite's `images` gets back AUTOINCREMENT, which 0002 lost"""

from alembic import op


revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    if op.get_bind().dialect.name == 'sqlite':
        with op.batch_alter_table('images', recreate='always', table_kwargs={'sqlite_autoincrement': True}):
            pass


def downgrade() -> None:
    """Revert nothing: the id of a deleted image must never be used again."""

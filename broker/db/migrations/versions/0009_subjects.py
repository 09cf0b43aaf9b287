"""Users with any subject: a user's row stores the subject of an id from 2^52 upwards"""

import sqlalchemy as sa
from alembic import op


revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Ids from 2^52 upwards come from decimal subjects, which release 0.2 did not store."""
    # Collation C compares the bytes. SQLite always does.
    subject = sa.String(length=128).with_variant(sa.String(length=128, collation='C'), 'postgresql')
    op.add_column('users', sa.Column('subject', subject, nullable=True))
    op.execute(f'UPDATE users SET subject = CAST(id AS VARCHAR(128)) WHERE id >= {2**52}')
    op.create_index(
        op.f('ix_users_subject'),
        'users',
        ['subject'],
        unique=True,
        sqlite_where=sa.text('subject IS NOT NULL'),
        postgresql_where=sa.text('subject IS NOT NULL'),
    )


def downgrade() -> None:
    """Revert. Tokens with subjects that are not decimal ids are refused again."""
    op.drop_index(op.f('ix_users_subject'), table_name='users')
    op.drop_column('users', 'subject')

"""The return URL of plain forms"""

import sqlalchemy as sa
from alembic import op


revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table('uploads', schema=None) as batch_op:
        batch_op.add_column(sa.Column('return_url', sa.String(length=1024), nullable=True))


def downgrade() -> None:
    """Revert."""
    with op.batch_alter_table('uploads', schema=None) as batch_op:
        batch_op.drop_column('return_url')

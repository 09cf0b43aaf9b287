"""What a live form may still write stays charged: the outbox knows whose quota it gives back"""

import sqlalchemy as sa
from alembic import op


revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column('deletions', sa.Column('upload_id', sa.Uuid(), nullable=True))


def downgrade() -> None:
    """Take back; what still waits is given back when its window ends."""
    op.drop_column('deletions', 'upload_id')

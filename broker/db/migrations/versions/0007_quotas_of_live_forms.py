"""A quota stays charged while a form can still write: the outbox stores which quota to refund"""

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
    """Revert. Quotas that were not refunded yet stay charged until their window ends."""
    op.drop_column('deletions', 'upload_id')

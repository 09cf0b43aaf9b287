"""Every client writes below incoming/: written keys, attempts to publish, charges for late objects"""

import sqlalchemy as sa
from alembic import op


revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Uploads that are pending have no written key: their clients use that of 0.2."""
    op.add_column('uploads', sa.Column('written_key', sa.String(length=512), nullable=True))
    op.add_column(
        'uploads',
        sa.Column('publish_attempts', sa.Integer(), server_default='0', nullable=False),
    )
    op.add_column(
        'deletions', sa.Column('charged_window', sa.DateTime(timezone=True), nullable=True)
    )


def downgrade() -> None:
    """Revert. End pending uploads first: release 0.2 does not look for their objects."""
    op.drop_column('deletions', 'charged_window')
    op.drop_column('uploads', 'publish_attempts')
    op.drop_column('uploads', 'written_key')

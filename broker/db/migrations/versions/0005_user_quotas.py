"""Quotas per user"""

import sqlalchemy as sa
from alembic import op
import broker.db.types


revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table('user_quotas',
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('window_start', broker.db.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('bytes_taken', sa.BigInteger(), nullable=False),
    sa.Column('files_taken', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('bytes_taken >= 0', name=op.f('ck_user_quotas_bytes_taken')),
    sa.CheckConstraint('files_taken >= 0', name=op.f('ck_user_quotas_files_taken')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_user_quotas_user_id')),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_user_quotas'))
    )
    with op.batch_alter_table('uploads', schema=None) as batch_op:
        batch_op.add_column(sa.Column('quota_window', broker.db.types.UtcDateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Revert."""
    with op.batch_alter_table('uploads', schema=None) as batch_op:
        batch_op.drop_column('quota_window')

    op.drop_table('user_quotas')

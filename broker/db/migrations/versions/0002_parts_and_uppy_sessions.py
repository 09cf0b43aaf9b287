"""PUT and multipart transports, parts, Uppy sessions"""

import sqlalchemy as sa
from alembic import op
import broker.db.types


revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table('uppy_sessions',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('owner_kind', sa.String(length=16), nullable=False),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('max_files', sa.Integer(), nullable=False),
    sa.Column('files_taken', sa.Integer(), server_default='0', nullable=False),
    sa.Column('max_bytes', sa.BigInteger(), nullable=False),
    sa.Column('bytes_taken', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('created_at', broker.db.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('expires_at', broker.db.types.UtcDateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', broker.db.types.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_uppy_sessions_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_uppy_sessions'))
    )
    with op.batch_alter_table('uppy_sessions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_uppy_sessions_expires_at'), ['expires_at'], unique=False)

    op.create_table('upload_parts',
    sa.Column('upload_id', sa.Uuid(), nullable=False),
    sa.Column('part_number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('checksum_sha256', sa.String(length=44), nullable=False),
    sa.ForeignKeyConstraint(['upload_id'], ['uploads.id'], name=op.f('fk_upload_parts_upload_id')),
    sa.PrimaryKeyConstraint('upload_id', 'part_number', name=op.f('pk_upload_parts'))
    )
    with op.batch_alter_table('deletions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('multipart_id', sa.String(length=1024), nullable=True))

    with op.batch_alter_table('images', schema=None) as batch_op:
        batch_op.add_column(sa.Column('checksum_verified', sa.Boolean(), server_default=sa.true(), nullable=False))
        batch_op.add_column(sa.Column('composite_sha256', sa.String(length=64), nullable=True))

    # Until now S3 has checked every digest that was declared.
    op.execute("UPDATE images SET checksum_verified = false WHERE checksum_sha256 IS NULL")

    with op.batch_alter_table('uploads', schema=None) as batch_op:
        batch_op.add_column(sa.Column('size_is_exact', sa.Boolean(), server_default=sa.true(), nullable=False))
        batch_op.add_column(sa.Column('multipart_id', sa.String(length=1024), nullable=True))
        batch_op.add_column(sa.Column('part_size', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('parts_pinned', sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column('completing_at', broker.db.types.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('uppy_session_id', sa.Uuid(), nullable=True))



def downgrade() -> None:
    """Revert."""
    with op.batch_alter_table('uploads', schema=None) as batch_op:
        batch_op.drop_column('uppy_session_id')
        batch_op.drop_column('completing_at')
        batch_op.drop_column('parts_pinned')
        batch_op.drop_column('part_size')
        batch_op.drop_column('multipart_id')
        batch_op.drop_column('size_is_exact')

    with op.batch_alter_table('images', schema=None) as batch_op:
        batch_op.drop_column('composite_sha256')
        batch_op.drop_column('checksum_verified')

    with op.batch_alter_table('deletions', schema=None) as batch_op:
        batch_op.drop_column('multipart_id')

    op.drop_table('upload_parts')
    with op.batch_alter_table('uppy_sessions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_uppy_sessions_expires_at'))

    op.drop_table('uppy_sessions')

"""Inspection: the state `processing`, leases of uploads, sizes and variants of images, heartbeats"""

import sqlalchemy as sa
from alembic import op


revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

STATES = "'pending', 'processing', 'confirmed', 'rejected', 'expired', 'cancelled'"
PROCESSING = sa.text("state = 'processing'")
UPLOADS = {
    'processing_since': (sa.DateTime(timezone=True), {}),
    'due_at': (sa.DateTime(timezone=True), {}),
    'attempts': (sa.Integer(), {'server_default': '0', 'nullable': False}),
    'reason': (sa.String(length=32), {}),
}
IMAGES = {
    'width': (sa.Integer(), {}),
    'height': (sa.Integer(), {}),
    'thumbhash': (sa.String(length=64), {}),
    'is_clean': (sa.Boolean(), {'server_default': sa.false(), 'nullable': False}),
}


def upgrade() -> None:
    """Apply. On PostgreSQL `uploads` is read once, to check its states; on SQLite `uploads` is copied."""
    if op.get_bind().dialect.name == 'sqlite':
        with op.batch_alter_table('uploads') as uploads:
            uploads.drop_constraint(op.f('ck_uploads_state'), type_='check')
            uploads.create_check_constraint(op.f('ck_uploads_state'), f'state IN ({STATES})')
    else:
        op.drop_constraint(op.f('ck_uploads_state'), 'uploads', type_='check')
        op.create_check_constraint(op.f('ck_uploads_state'), 'uploads', f'state IN ({STATES})')
    for name, (kind, options) in UPLOADS.items():
        op.add_column('uploads', sa.Column(name, kind, **options))
    op.create_index(
        'ix_uploads_processing_since', 'uploads', ['processing_since'],
        sqlite_where=PROCESSING, postgresql_where=PROCESSING,
    )
    for name, (kind, options) in IMAGES.items():
        op.add_column('images', sa.Column(name, kind, **options))
    op.create_table(
        'image_variants',
        sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('image_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('key', sa.String(length=255), nullable=False),
        sa.Column('content_type', sa.String(length=64), nullable=False),
        sa.Column('width', sa.Integer(), nullable=False),
        sa.Column('height', sa.Integer(), nullable=False),
        sa.Column('size', sa.BigInteger(), nullable=False),
        sa.Column('checksum_sha256', sa.String(length=44), nullable=False),
        sa.Column('etag', sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ['image_id'], ['images.id'], name='fk_image_variants_image_id', ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name='pk_image_variants'),
        sa.UniqueConstraint('key', name='uq_image_variants_key'),
        sqlite_autoincrement=True,
    )
    op.create_index('ix_image_variants_image_id', 'image_variants', ['image_id'])
    op.create_table(
        'workers',
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('host', sa.String(length=255), nullable=False),
        sa.Column('process_id', sa.Integer(), nullable=False),
        sa.Column('release', sa.String(length=32), nullable=False),
        sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('self_test', sa.String(length=255), nullable=True),
        sa.Column('is_isolated', sa.Boolean(), nullable=False),
        sa.Column('content_types', sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_workers'),
    )


def downgrade() -> None:
    """Revert. Wait until no upload is `processing`: the former release does not know that state."""
    op.drop_table('workers')
    op.drop_index('ix_image_variants_image_id', 'image_variants')
    op.drop_table('image_variants')
    for name in reversed(IMAGES):
        op.drop_column('images', name)
    op.drop_index('ix_uploads_processing_since', 'uploads')
    for name in reversed(UPLOADS):
        op.drop_column('uploads', name)
    former = STATES.replace("'processing', ", '')
    if op.get_bind().dialect.name == 'sqlite':
        with op.batch_alter_table('uploads') as uploads:
            uploads.drop_constraint(op.f('ck_uploads_state'), type_='check')
            uploads.create_check_constraint(op.f('ck_uploads_state'), f'state IN ({former})')
    else:
        op.drop_constraint(op.f('ck_uploads_state'), 'uploads', type_='check')
        op.create_check_constraint(op.f('ck_uploads_state'), 'uploads', f'state IN ({former})')

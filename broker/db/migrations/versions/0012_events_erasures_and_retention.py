"""Events and their deliveries, erasures, reported failures, and the indexes of retention"""

import secrets

import sqlalchemy as sa
from alembic import op


revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
TIME = sa.DateTime(timezone=True)
ERASED = {'erased_at': (TIME, {}), 'is_erased': (sa.Boolean(), {'server_default': sa.false(), 'nullable': False})}
COLUMNS = {
    'users': ERASED,
    'owners': ERASED,
    'uploads': {'image_deleted_at': (TIME, {})},
    'deletions': {'erasure_id': (sa.Uuid(), {})},
}
# Table, columns and condition of each index. Those on `uploads` take long on a large table, so an
# operator may create them before, without blocking writes.
INDEXES = {
    'ix_users_erased_at': ('users', ['erased_at'], 'erased_at IS NOT NULL'),
    'ix_deletions_erasure_id': ('deletions', ['erasure_id'], 'erasure_id IS NOT NULL'),
    'ix_uploads_user_id': ('uploads', ['user_id'], None),
    'ix_uploads_settled_at': ('uploads', ['settled_at'], "state IN ('rejected', 'expired', 'cancelled')"),
    'ix_uploads_image_deleted_at': ('uploads', ['image_deleted_at'], 'image_deleted_at IS NOT NULL'),
    'ix_events_owner_kind_owner_id': ('events', ['owner_kind', 'owner_id'], None),
    'ix_events_unnumbered': ('events', ['id'], 'sequence IS NULL'),
    'ix_deliveries_due_at': ('deliveries', ['due_at'], 'dead_at IS NULL'),
    'ix_reported_failures_upload_id': ('reported_failures', ['upload_id'], None),
}
# Of uploads that were confirmed by an earlier release. Their images were deleted some time before.
LOST_IMAGES = """
UPDATE uploads SET image_deleted_at = CURRENT_TIMESTAMP
WHERE state = 'confirmed' AND NOT EXISTS (SELECT 1 FROM images WHERE images.upload_id = uploads.id)
"""


def upgrade() -> None:
    """Apply. `uploads` is read to find those without an image and to build three indexes."""
    for table, columns in COLUMNS.items():
        for name, (kind, options) in columns.items():
            op.add_column(table, sa.Column(name, kind, **options))
    op.create_table(
        'events',
        sa.Column('id', BIG_ID, nullable=False),
        sa.Column('event_id', sa.Uuid(), nullable=False),
        sa.Column('sequence', sa.BigInteger(), nullable=True),
        sa.Column('type', sa.String(length=32), nullable=False),
        sa.Column('created_at', TIME, nullable=False),
        sa.Column('owner_kind', sa.String(length=32), nullable=False),
        sa.Column('owner_id', sa.BigInteger(), nullable=False),
        sa.Column('image_id', sa.BigInteger(), nullable=True),
        sa.Column('upload_id', sa.Uuid(), nullable=True),
        sa.Column('user_id', sa.BigInteger(), nullable=True),
        sa.Column('data', sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_events')),
        sa.UniqueConstraint('event_id', name=op.f('uq_events_event_id')),
        sa.UniqueConstraint('sequence', name=op.f('uq_events_sequence')),
        sqlite_autoincrement=True,
    )
    op.create_table(
        'event_feed',
        sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('last_sequence', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('pruned_sequence', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('enqueued_sequence', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('epoch', sa.String(length=16), nullable=False),
        sa.Column('stopped_at', TIME, nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_event_feed')),
    )
    op.execute(f"INSERT INTO event_feed (id, epoch) VALUES (1, '{secrets.token_hex(4)}')")
    op.create_table(
        'deliveries',
        sa.Column('id', BIG_ID, autoincrement=False, nullable=False),
        sa.Column('due_at', TIME, nullable=False),
        sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
        sa.Column('last_error', sa.String(length=255), nullable=True),
        sa.Column('dead_at', TIME, nullable=True),
        sa.ForeignKeyConstraint(['id'], ['events.id'], name=op.f('fk_deliveries_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_deliveries')),
    )
    op.create_table(
        'erasures',
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('owner_kind', sa.String(length=32), nullable=False),
        sa.Column('owner_id', sa.BigInteger(), nullable=True),
        sa.Column('user_id', sa.BigInteger(), nullable=True),
        sa.Column('objects', sa.Integer(), nullable=False),
        sa.Column('requested_at', TIME, nullable=False),
        sa.Column('finished_at', TIME, nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_erasures')),
    )
    op.create_table(
        'reported_failures',
        sa.Column('id', BIG_ID, nullable=False),
        sa.Column('upload_id', sa.Uuid(), nullable=False),
        sa.Column('s3_code', sa.String(length=64), nullable=False),
        sa.Column('advice', sa.String(length=16), nullable=False),
        sa.Column('created_at', TIME, nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_reported_failures')),
        sqlite_autoincrement=True,
    )
    op.execute(LOST_IMAGES)
    for name, (table, columns, condition) in INDEXES.items():
        where = None if condition is None else sa.text(condition)
        op.create_index(
            name, table, columns, if_not_exists=True, sqlite_where=where, postgresql_where=where
        )


def downgrade() -> None:
    """Revert. Events and the record of erasures are lost; erased users can sign in again."""
    for name, (table, _, _) in INDEXES.items():
        op.drop_index(name, table_name=table)
    for table in ('reported_failures', 'erasures', 'deliveries', 'event_feed', 'events'):
        op.drop_table(table)
    for table, columns in COLUMNS.items():
        for name in columns:
            op.drop_column(table, name)

"""Profiles: owners by token, the profiles in use, names of files, longer kinds and types"""

import sqlalchemy as sa
from alembic import op


revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

LONGER = {
    'uploads': {'owner_kind': (16, 32), 'content_type': (64, 127)},
    'images': {'owner_kind': (16, 32), 'content_type': (64, 127)},
    'uppy_sessions': {'owner_kind': (16, 32)},
}
# All uploads of earlier releases have these profiles.
BUILT_IN = """
INSERT INTO profiles (name, prefix, visibility, owners) VALUES
('ad_image', 'ads/ad_', 'public', 'table'), ('avatar', 'avatars/user_', 'public', 'table')
"""


def upgrade() -> None:
    """Apply. On SQLite `uploads` and `images` are copied."""
    _set_lengths(1)
    for table in ('uploads', 'images'):
        op.add_column(table, sa.Column('file_name', sa.String(length=255), nullable=True))
    op.add_column('uppy_sessions', sa.Column('owner', sa.String(length=64), nullable=True))
    op.create_table(
        'owners',
        sa.Column('owner_kind', sa.String(length=32), nullable=False),
        sa.Column('id', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('owner', sa.String(length=64), nullable=False),
        sa.Column('slots_taken', sa.Integer(), server_default='0', nullable=False),
        sa.CheckConstraint('slots_taken >= 0', name=op.f('ck_owners_slots_taken')),
        sa.PrimaryKeyConstraint('owner_kind', 'id', name=op.f('pk_owners')),
        sa.UniqueConstraint('owner_kind', 'owner', name='uq_owners_owner'),
    )
    op.create_table(
        'profiles',
        sa.Column('name', sa.String(length=32), nullable=False),
        sa.Column('prefix', sa.String(length=255), nullable=False),
        sa.Column('visibility', sa.String(length=16), nullable=False),
        sa.Column('owners', sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint('name', name=op.f('pk_profiles')),
    )
    op.execute(BUILT_IN)


def downgrade() -> None:
    """Revert. Remove the uploads of declared profiles before."""
    op.drop_table('profiles')
    op.drop_table('owners')
    op.drop_column('uppy_sessions', 'owner')
    for table in ('images', 'uploads'):
        op.drop_column(table, 'file_name')
    _set_lengths(0)


def _set_lengths(which: int) -> None:
    for table, columns in LONGER.items():
        # The ids of deleted images are never used again.
        kept = {'sqlite_autoincrement': True} if table == 'images' else {}
        with op.batch_alter_table(table, table_kwargs=kept) as batch:
            for name, lengths in columns.items():
                batch.alter_column(
                    name,
                    existing_type=sa.String(length=lengths[1 - which]),
                    type_=sa.String(length=lengths[which]),
                    existing_nullable=False,
                )

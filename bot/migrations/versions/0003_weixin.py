"""People, pushes and cursors of the WeChat channels."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the three tables."""
    op.create_table(
        "weixin_person",
        sa.Column("platform", sa.String(16), primary_key=True),
        sa.Column("user", sa.String(64), primary_key=True),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("conversation_id", sa.String(64), nullable=False, unique=True),
        sa.Column("subscribed", sa.Boolean, nullable=False),
        sa.Column("heard_at", sa.DateTime),
        sa.Column("brief", sa.Boolean, nullable=False),
        sa.Column("sent", sa.Integer, nullable=False),
    )
    op.create_table(
        "weixin_received",
        sa.Column("key", sa.String(160), primary_key=True),
        sa.Column("platform", sa.String(16), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("state", sa.String(8), nullable=False, index=True),
        sa.Column("claimed_at", sa.DateTime, nullable=False, index=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "wecom_cursor",
        sa.Column("open_kfid", sa.String(64), primary_key=True),
        sa.Column("cursor", sa.String(128), nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("wecom_cursor", "weixin_received", "weixin_person"):
        op.drop_table(table)

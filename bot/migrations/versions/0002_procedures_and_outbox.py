"""Procedures open in a conversation, messages known by their channel's id, and the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns and the outbox."""
    with op.batch_alter_table("conversation") as table:
        table.add_column(sa.Column("procedure", sa.Text, nullable=False, server_default=""))
        table.add_column(sa.Column("procedure_until", sa.DateTime))
        table.add_column(sa.Column("human_since", sa.DateTime))
    with op.batch_alter_table("turn") as table:
        table.add_column(sa.Column("message_id", sa.String(64)))
        table.add_column(sa.Column("shown", sa.Text, nullable=False, server_default=""))
        table.create_unique_constraint("turn_message", ["conversation_id", "message_id"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("delivery_id", sa.String(32), nullable=False, unique=True),
        sa.Column("conversation_id", sa.String(64), sa.ForeignKey("conversation.id"), nullable=False, index=True),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("actions", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", sa.DateTime, nullable=False, index=True),
        sa.Column("leased_until", sa.DateTime),
        sa.Column("sent_at", sa.DateTime),
        sa.Column("error", sa.String(200), nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("outbox")
    with op.batch_alter_table("turn") as table:
        table.drop_constraint("turn_message", type_="unique")
        table.drop_column("shown")
        table.drop_column("message_id")
    with op.batch_alter_table("conversation") as table:
        for column in ("human_since", "procedure_until", "procedure"):
            table.drop_column(column)

"""Tickets with everything a desk needs, their history, agents, hooks; sealed words."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_DAY, _TEXT = sa.DateTime, sa.Text
_TICKET: tuple[sa.Column[Any], ...] = (
    sa.Column("kind", sa.String(16), nullable=False, server_default="咨询类"),
    sa.Column("priority", sa.Integer, nullable=False, server_default="3"),
    sa.Column("channel", sa.String(16), nullable=False, server_default="web"),
    sa.Column("entry_id", sa.String(64)),
    sa.Column("topic", sa.String(64), nullable=False, server_default=""),
    sa.Column("summary", sa.String(400), nullable=False, server_default=""),
    sa.Column("proposed", _TEXT, nullable=False, server_default="[]"),
    sa.Column("details", _TEXT, nullable=False, server_default=""),
    sa.Column("employer", sa.String(120), nullable=False, server_default=""),
    sa.Column("employer_key", sa.String(120), nullable=False, server_default=""),
    sa.Column("terminal", sa.String(6), nullable=False, server_default=""),
    sa.Column("also_terminal", sa.String(6), nullable=False, server_default=""),
    sa.Column("skill", sa.String(16), nullable=False, server_default="agents"),
    sa.Column("owner_id", sa.Integer),
    sa.Column("also_owner_id", sa.Integer),
    *(sa.Column(name, _DAY) for name in ("accept_by", "warn_at", "escalate_at", "warned_at", "breached_at")),
    *(sa.Column(name, _DAY) for name in ("accepted_at", "answered_at", "closed_at")),
    sa.Column("result", sa.String(32), nullable=False, server_default=""),
    sa.Column("rating", sa.String(16), nullable=False, server_default=""),
    sa.Column("heard_at", _DAY),
    sa.Column("said_at", _DAY),
)
_REFUSE = {
    "sqlite": (
        "CREATE TRIGGER ticket_event_no_{verb} BEFORE {verb} ON ticket_event "
        "BEGIN SELECT RAISE(ABORT, 'ticket_event rows are only added'); END",
    ),
    "postgresql": (
        "CREATE TRIGGER ticket_event_no_{verb} BEFORE {verb} ON ticket_event FOR EACH ROW EXECUTE FUNCTION ticket_event_refuse()",
    ),
}


def upgrade() -> None:
    """Add the columns and tables; from now on a ticket's history can only grow."""
    op.create_table(
        "agent",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("shown", sa.String(64), nullable=False),
        sa.Column("password", sa.String(200), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("region", sa.String(6), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("on_duty", sa.Boolean, nullable=False),
        sa.Column("seen_at", _DAY),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("locked_until", _DAY),
        sa.Column("created_at", _DAY, nullable=False),
    )
    op.create_table(
        "sign_in",
        sa.Column("token_hash", sa.String(64), primary_key=True),
        sa.Column("agent_id", sa.Integer, sa.ForeignKey("agent.id"), nullable=False, index=True),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("created_at", _DAY, nullable=False),
        sa.Column("seen_at", _DAY, nullable=False),
    )
    with op.batch_alter_table("ticket") as table:
        for column in _TICKET:
            table.add_column(column)
        table.create_foreign_key("ticket_owner", "agent", ["owner_id"], ["id"])
        table.create_foreign_key("ticket_also_owner", "agent", ["also_owner_id"], ["id"])
        table.create_index("ticket_queue", ["state", "priority", "opened_at"])
        table.create_index("ticket_clock", ["state", "escalate_at"])
        for name in ("opened_at", "terminal", "also_terminal", "employer_key", "owner_id"):
            table.create_index(f"ix_ticket_{name}", [name])
    op.create_table(
        "ticket_event",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("ticket_id", sa.Integer, sa.ForeignKey("ticket.id"), nullable=False, index=True),
        sa.Column("at", _DAY, nullable=False, index=True),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(24), nullable=False),
        sa.Column("detail", _TEXT, nullable=False),
    )
    op.create_table(
        "ticket_note",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("ticket_id", sa.Integer, sa.ForeignKey("ticket.id"), nullable=False, index=True),
        sa.Column("at", _DAY, nullable=False),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("text", _TEXT, nullable=False),
    )
    op.create_table(
        "hook",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("delivery_id", sa.String(32), nullable=False, unique=True),
        sa.Column("ticket_id", sa.Integer, sa.ForeignKey("ticket.id"), nullable=False, index=True),
        sa.Column("body", _TEXT, nullable=False),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", _DAY, nullable=False, index=True),
        sa.Column("leased_until", _DAY),
        sa.Column("created_at", _DAY, nullable=False),
        sa.Column("sent_at", _DAY),
        sa.Column("error", sa.String(200), nullable=False),
    )
    op.add_column("turn", sa.Column("sealed", _TEXT, nullable=False, server_default=""))
    op.create_index("turn_figures", "turn", ["at", "kind", "entry_id"])
    dialect = op.get_bind().dialect.name
    if dialect == "postgresql":
        op.execute(
            "CREATE FUNCTION ticket_event_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'ticket_event rows are only added'; END $$"
        )
    for statement in _REFUSE.get(dialect, ()):
        for verb in ("UPDATE", "DELETE"):
            op.execute(statement.format(verb=verb))


def downgrade() -> None:
    """Take them away again."""
    dialect = op.get_bind().dialect.name
    op.drop_index("turn_figures", "turn")
    op.drop_column("turn", "sealed")
    for table in ("hook", "ticket_note", "ticket_event"):
        op.drop_table(table)
    if dialect == "postgresql":
        op.execute("DROP FUNCTION ticket_event_refuse()")
    with op.batch_alter_table("ticket") as batch:
        batch.drop_index("ticket_queue")
        batch.drop_index("ticket_clock")
        for name in ("opened_at", "terminal", "also_terminal", "employer_key", "owner_id"):
            batch.drop_index(f"ix_ticket_{name}")
        batch.drop_constraint("ticket_owner", type_="foreignkey")
        batch.drop_constraint("ticket_also_owner", type_="foreignkey")
        for column in _TICKET:
            batch.drop_column(column.name)
    op.drop_table("sign_in")
    op.drop_table("agent")

"""Forgetting: the words of one conversation on request, of all old ones by the retention setting.

What is counted stays (kinds, times, entries, ratings); what somebody said goes. A ticket's history stays, for it holds no
words of the worker.

python -m bot.desk.erase --ticket NX20261126-000001 | --session ID | --days 365
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import inspect, select, text, update
from sqlalchemy.orm import Session

from bot.dialogue import utc_now
from bot.errors import NuanxinError
from bot.handoff.tables import CLOSED, TicketNote, TicketRow
from bot.settings import read_settings
from bot.store import Conversation, FeedbackRow, OutboxRow, Store, Turn

ERASED = "（已删除）"
BATCH = 500


def erase(session: Session, conversation_ids: Sequence[str]) -> None:
    """Forget everything said in these conversations; what they are counted by stays."""
    ids = list(conversation_ids)
    session.execute(
        update(Turn).where(Turn.conversation_id.in_(ids)).values(text=ERASED, sealed="", reply="", shown="", message_id=None, region="")
    )
    session.execute(update(OutboxRow).where(OutboxRow.conversation_id.in_(ids)).values(text=ERASED, actions="[]"))
    session.execute(update(FeedbackRow).where(FeedbackRow.conversation_id.in_(ids)).values(note=""))
    session.execute(update(Conversation).where(Conversation.id.in_(ids)).values(procedure="", offered="", procedure_until=None))
    tickets = select(TicketRow.id).where(TicketRow.conversation_id.in_(ids))
    session.execute(update(TicketNote).where(TicketNote.ticket_id.in_(tickets)).values(text=ERASED))
    gone = {"summary": ERASED, "details": "", "employer": "", "employer_key": "", "proposed": "[]", "region": ""}
    session.execute(update(TicketRow).where(TicketRow.conversation_id.in_(ids)).values(gone))
    if "weixin_person" in inspect(session.connection()).get_table_names():
        for number in ids:  # the tables of a channel above this layer: by name, so that nothing of it must be known
            person = {"number": number}
            session.execute(
                text(
                    "DELETE FROM weixin_received WHERE platform || ':' || \"user\" IN "
                    "(SELECT platform || ':' || \"user\" FROM weixin_person WHERE conversation_id = :number)"
                ),
                person,
            )
            session.execute(text("DELETE FROM weixin_person WHERE conversation_id = :number"), person)


class Retention:
    """Forgets conversations in which nothing happened for so many days; those with an open ticket stay."""

    def __init__(self, store: Store, days: int, now: Callable[[], datetime]) -> None:
        self._store = store
        self._days = days
        self._now = now

    def run(self) -> int:
        """One batch; how many conversations were forgotten."""
        before = self._now() - timedelta(days=self._days)
        fresh = select(Turn.conversation_id).where(Turn.at >= before)
        open_ones = select(TicketRow.conversation_id).where(TicketRow.state != CLOSED)
        with self._store.transaction() as session:
            old = select(Turn.conversation_id).where(
                Turn.at < before, Turn.text != ERASED, Turn.conversation_id.not_in(fresh), Turn.conversation_id.not_in(open_ones)
            )
            ids = list(session.scalars(old.distinct().limit(BATCH)))
            if ids:
                erase(session, ids)
        return len(ids)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line entry; prints how many conversations were forgotten."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--ticket", help="the conversation of this ticket")
    which.add_argument("--session", help="this conversation")
    which.add_argument("--days", type=int, help="everything older than so many days, open tickets excepted")
    chosen = parser.parse_args(arguments)
    try:
        settings = read_settings()
        store = Store(settings.database, settings.data_key)
        if chosen.days is not None:
            total = 0
            while done := Retention(store, chosen.days, utc_now).run():
                total += done
        else:
            with store.transaction() as session:
                if chosen.ticket:
                    ids = list(session.scalars(select(TicketRow.conversation_id).where(TicketRow.number == chosen.ticket)))
                else:
                    ids = list(session.scalars(select(Conversation.id).where(Conversation.id == chosen.session)))
                erase(session, ids)
                total = len(ids)
    except NuanxinError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"已删除{total}个会话的内容。")
    return 0 if total else 2


if __name__ == "__main__":
    sys.exit(main())

"""Every error this project raises on purpose, as one tree.

NuanxinError
├── SettingError      a setting is wrong; the start stops
├── BadSource         rows of a bank or regulation file that cannot be used (all of them, named)
├── ArtifactError     an index that may not be served
│   ├── ArtifactMissing   there is none
│   ├── ArtifactBroken    changed, cut short or half-written
│   └── ArtifactForeign   built with another encoder or clean-up
├── EncoderError      an encoder cannot be loaded or does not fit
├── PolicyError       a policy file cannot be read or has no point for the risk asked for
├── RankerError       a ranker cannot be read or was trained on other columns
├── StoreError        the database cannot be reached or refuses
│   └── StoreConflict     another transaction was first with the same key
├── TicketConflict    a ticket is not where a step could take it
├── NotThere          what an agent asked for is not there, or not theirs to see
└── SignInRefused     no sign-in with this name and password now

Every message names what was found, what was wanted, and the cure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knowledge.records import Fault


class NuanxinError(Exception):
    """Root of the errors raised on purpose."""


class SettingError(NuanxinError):
    """A setting has a value that cannot work."""


class BadSource(NuanxinError):
    """Source rows that cannot be used, all of them at once.

    Attributes:
        faults: one per bad row, with file, row and reason.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        super().__init__(f"{len(self.faults)} bad rows, nothing was written:\n{lines}")


class ArtifactError(NuanxinError):
    """An index that may not be served."""


class ArtifactMissing(ArtifactError):
    """No index is where one was looked for."""


class ArtifactBroken(ArtifactError):
    """An index whose files are not the ones its manifest was written for."""


class ArtifactForeign(ArtifactError):
    """An index made with another encoder or clean-up than the one in use."""


class EncoderError(NuanxinError):
    """An encoder that cannot be loaded or used."""


class PolicyError(NuanxinError):
    """A policy that cannot be used."""


class RankerError(NuanxinError):
    """A ranker that cannot be used."""


class StoreError(NuanxinError):
    """The database cannot be reached or refuses."""


class StoreConflict(StoreError):
    """Another transaction was first with the same key; trying again may help."""


class TicketConflict(NuanxinError):
    """A ticket is not where a step could take it: somebody else was first, or it is closed. The text is for the agent."""


class NotThere(NuanxinError):
    """What an agent asked for is not there, or not theirs to see: nobody is told which."""


class SignInRefused(NuanxinError):
    """No sign-in with this name and password now. The text is for the person."""

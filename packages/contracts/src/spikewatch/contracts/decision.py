"""What a person decided about reports: that they are about one overdose or of one incident, or that they are not."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from spikewatch.contracts.contract import Contract, UtcDatetime
from spikewatch.contracts.identifiers import decision_id

__all__ = ["AccountId", "Decision", "DecisionKind", "DecisionLevel"]

AccountId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")]
"""Who decided: an opaque account id, for example ``reviewer-7``; never a name or an address."""

_MOST: Final = 200  # reports a side: every report of one side is held against every one of the other


class DecisionKind(StrEnum):
    """What was decided."""

    TOGETHER = "together"
    APART = "apart"
    UNDO = "undo"


class DecisionLevel(StrEnum):
    """About what: one person, or one call or scene."""

    OVERDOSE = "overdose"
    INCIDENT = "incident"


class Decision(Contract):
    """One decision of one person. It outranks every score, and of two that contradict each other the later one stands.

    It names reports and not incidents, because reports keep their keys whatever is matched anew.
    """

    decision_id: UUID = Field(description="uuid5 of all else but the reason: the same decision sent twice is one.")
    kind: DecisionKind
    level: DecisionLevel
    reports: tuple[UUID, ...] = Field(min_length=1, max_length=_MOST, description="Report keys; of an undo those of what is undone.")
    others: tuple[UUID, ...] = Field(
        default=(), max_length=_MOST, description="The other side. None: the decision is about the reports among one another."
    )
    undoes: UUID | None = Field(default=None, description="The decision that an undo takes back. An undo itself is not taken back.")
    author: AccountId
    reason: str = Field(min_length=3, max_length=512, description="Why, in words that name nobody.")
    decided_at: UtcDatetime

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.undoes is None) == (self.kind is DecisionKind.UNDO):
            raise ValueError("an undo says what it undoes, and nothing else does")
        if self.undoes is None and len({*self.reports, *self.others}) < 2:
            raise ValueError("is about two reports at least")
        if not set(self.reports).isdisjoint(self.others):
            raise ValueError("a report is on one side only")
        if self.decision_id != _identity(self.kind, self.level, self.reports, self.others, self.undoes, self.author, self.decided_at):
            raise ValueError("decision_id does not follow from what is decided")
        return self

    @classmethod
    def of(
        cls,
        kind: DecisionKind,
        level: DecisionLevel,
        reports: Iterable[UUID],
        others: Iterable[UUID] = (),
        *,
        author: str,
        reason: str,
        decided_at: datetime,
        undoes: UUID | None = None,
    ) -> Self:
        """Return a decision with its id. ``decided_at`` is aware; the order of the reports has no influence.

        Raises:
            ValidationError: it is none.
        """
        one, other = tuple(sorted(set(reports))), tuple(sorted(set(others)))
        return cls(
            decision_id=_identity(kind, level, one, other, undoes, author, decided_at),
            kind=kind,
            level=level,
            reports=one,
            others=other,
            undoes=undoes,
            author=author,
            reason=reason,
            decided_at=decided_at,
        )


def _identity(  # all of what is decided
    kind: DecisionKind,
    level: DecisionLevel,
    reports: tuple[UUID, ...],
    others: tuple[UUID, ...],
    undoes: UUID | None,
    author: str,
    decided_at: datetime,
) -> UUID:
    one, other = (",".join(map(str, sorted(side))) for side in (reports, others))
    return decision_id(kind.value, level.value, one, other, undoes or "", author, decided_at.timestamp())

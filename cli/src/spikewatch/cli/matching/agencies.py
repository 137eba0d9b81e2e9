"""Tells which agencies of a file are of no kind that is known: a misnamed one costs more matches than any missing field."""

from collections.abc import Iterable
from typing import Final

from spikewatch.cli.progress import say
from spikewatch.enrichment.domain.matching.codes import KIND_CODE
from spikewatch.enrichment.domain.matching.records import Compared

__all__ = ["say_unknown_kinds"]

_OTHER: Final = KIND_CODE["other"]
_NAMED: Final = 5  # of more, so many stand for all


def say_unknown_kinds(records: Iterable[Compared]) -> None:
    """Name the agencies whose kind neither their name nor their reports tell, on standard error."""
    names = sorted({record.agency for record in records if record.kind == _OTHER})
    if names:
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        say(
            f"no kind of agency is told by {', '.join(names[:_NAMED])}{more}: matched as another kind, which is less sure; "
            "kinds are told by words such as CAD, EMS, FIRE, POLICE, ED, ME"
        )

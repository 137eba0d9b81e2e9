"""Takes out of a file's reports what only the whole file shows to mean nothing, finds whose agency is a hospital, and tells both."""

from collections.abc import Sequence
from typing import Final

from spikewatch.cli.progress import say
from spikewatch.enrichment.domain.matching.fillers import fillers_of
from spikewatch.enrichment.domain.matching.named_hospitals import named_as_hospitals, with_hospitals
from spikewatch.enrichment.domain.matching.records import Compared

__all__ = ["without_fillers"]

_NAMED: Final = 5  # of more, so many stand for all


def without_fillers(records: Sequence[Compared]) -> list[Compared]:
    """Return the records, each report given once, without fillers; which ones is told on standard error.

    Agencies that others name as a hospital become emergency departments, where their own name tells no kind.
    """
    if hospitals := named_as_hospitals(records):
        more = f" and {len(hospitals) - _NAMED:,} more" if len(hospitals) > _NAMED else ""
        say(f"others take people to {', '.join(hospitals[:_NAMED])}{more}: matched as emergency departments")
        records = with_hospitals(records)
    found = fillers_of(records)
    if found.numbers:
        names = [f"{number} ({count:,} reports)" for number, count in sorted(found.numbers.items(), key=lambda one: -one[1])]
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        say(f"no call has the number {', '.join(names[:_NAMED])}{more}: it comes back day after day; it counted as not stated")
    for (agency, age), count in found.ages.items():
        say(f"age {age} of {agency} ({count:,} reports) stands for unknown: so many cannot be as old; it counted as not stated")
    return found.without(records)

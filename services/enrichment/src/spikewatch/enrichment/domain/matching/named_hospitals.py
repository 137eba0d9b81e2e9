"""Agencies that are called as a hospital is: where an agency's name tells no kind, and others send people to a hospital of that name.

For whole files only. ``MERCY`` alone is no word for a hospital, and nobody else in a file is taken to one of that name by chance.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from spikewatch.enrichment.domain.matching.cells import folded
from spikewatch.enrichment.domain.matching.codes import KIND_CODE
from spikewatch.enrichment.domain.matching.records import Compared

__all__ = ["named_as_hospitals", "with_hospitals"]

_LEAST: Final = 5  # reports of others that name it
_OTHER: Final = KIND_CODE["other"]
_ED: Final = KIND_CODE["ed"]


def named_as_hospitals(records: Sequence[Compared]) -> list[str]:
    """Return the agencies of no known kind that others name as a hospital, in their order of names."""
    unknown = {one.agency for one in records if one.kind == _OTHER}
    if not unknown:
        return []
    sent_to = Counter(one.hospital for one in records if one.hospital and one.kind not in {_OTHER, _ED})
    return sorted(agency for agency in unknown if sent_to[folded(agency)] >= _LEAST)


def with_hospitals(records: Sequence[Compared]) -> list[Compared]:
    """Return the records, in their order, with those agencies as emergency departments; one that names no hospital is itself."""
    named = set(named_as_hospitals(records))
    if not named:
        return list(records)
    return [one._replace(kind=_ED, hospital=one.hospital or folded(one.agency)) if one.agency in named else one for one in records]

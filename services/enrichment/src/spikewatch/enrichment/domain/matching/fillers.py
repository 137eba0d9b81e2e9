"""Values that only a whole file shows to mean nothing: a call's number that is everybody's, an age of 0 or 99 that stands for unknown.

For whole files only: a part of a stream cannot tell.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from spikewatch.enrichment.domain.matching.records import Compared

__all__ = ["Fillers", "fillers_of"]

_LEAST: Final = 20  # reports of a number: an overdose with more is of one day
_TIMES: Final = 5  # how much more often than the next number that comes back; daily numbers come back all alike
_MOST: Final = 5  # fillers of one agency
_OTHERS: Final = 20  # numbers besides; where one counts overdoses from one each day, few numbers fall off as steeply
_DAY_S: Final = 86_400
_LEAST_AGES: Final = 5
_SHARE: Final = 0.01  # of an agency's reports
_TODDLERS: Final = range(1, 5)
_FEWER: Final = 4  # times as many of nought as of one to four years: of real children more are toddlers
_TOO_OLD: Final = 98  # years; of one in a hundred none is as old


@dataclass(frozen=True, slots=True)
class Fillers:
    """The values that mean nothing. ``numbers`` of calls with how many reports state each; ``ages`` by agency and age likewise."""

    numbers: dict[str, int] = field(default_factory=dict)
    ages: dict[tuple[str, int], int] = field(default_factory=dict)

    def without(self, records: Sequence[Compared]) -> list[Compared]:
        """Return the records, in their order, that state none of them."""
        numbers, ages = self.numbers, self.ages
        cleaned = [one._replace(cad="") if one.cad in numbers else one for one in records] if numbers else list(records)
        if not ages:
            return cleaned
        return [
            one._replace(age_low=-1, age_high=-1) if one.age_low == one.age_high and (one.agency, one.age_low) in ages else one
            for one in cleaned
        ]


def fillers_of(records: Sequence[Compared]) -> Fillers:
    """Return what the records of a whole file show to be fillers. Their order has no influence; each report is given once."""
    return Fillers(_numbers(records), _ages(records))


def _numbers(records: Sequence[Compared]) -> dict[str, int]:
    """Return the numbers that come back day after day, far more often than any other of their agency, or of all agencies together.

    A call's number is of one call and so of one day. Where numbers start anew each day all of them come back, much the same way.
    """
    count = Counter([one.cad for one in records if one.cad])
    if not count or max(count.values()) < _LEAST:
        return {}
    days: dict[str, dict[str, list[int]]] = {}
    everybody: dict[str, list[int]] = {}
    for one in records:
        if one.cad:
            day = int(one.seconds // _DAY_S)
            days.setdefault(one.agency, {}).setdefault(one.cad, []).append(day)
            everybody.setdefault(one.cad, []).append(day)
    found = {number for said in (everybody, *days.values()) for number in _everybodys(said)}
    return {number: count[number] for number in sorted(found)}


def _everybodys(said: dict[str, list[int]]) -> Iterable[str]:
    """Return the fillers among numbers, given with the days of the reports that state each."""
    back = sorted(((len(days), number) for number, days in said.items() if _comes_back(days)), reverse=True)
    for many in range(min(_MOST, len(back)), 0, -1):
        after = back[many][0] if many < len(back) else 0
        if back[many - 1][0] >= max(_LEAST, _TIMES * after) and (not after or len(said) - many >= _OTHERS):
            return [number for _, number in back[:many]]
    return []


def _comes_back(days: list[int]) -> bool:
    """Return whether no two days after one another hold more than half: a night's call goes on until the next day."""
    if len(days) == 1:
        return False
    on = Counter(days)
    return 2 * max(on[day] + on.get(day + 1, 0) for day in list(on)) <= len(days)


def _ages(records: Sequence[Compared]) -> dict[tuple[str, int], int]:
    """Return the ages that an agency states far more often than people can be as old."""
    count = Counter([(one.agency, one.age_low) for one in records if one.age_low == one.age_high])
    asked = [(agency, age) for (agency, age), many in count.items() if (age == 0 or age >= _TOO_OLD) and many >= _LEAST_AGES]
    if not asked:
        return {}
    reports = Counter([one.agency for one in records])
    return {
        (agency, age): count[agency, age]
        for agency, age in sorted(asked)
        if count[agency, age] > _SHARE * reports[agency]
        and (age > 0 or count[agency, age] > _FEWER * sum(count[agency, year] for year in _TODDLERS))
    }

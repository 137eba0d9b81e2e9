"""Which reports of one incident are about the same person.

What is known of the field decides: a dispatcher, an officer or an engine crew writes down an age as it was told or looked,
an ambulance crew or a hospital usually the true one; and to one person often come two units of the same agency.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from spikewatch.contracts.vocabulary import Sex, SourceType
from spikewatch.enrichment.domain.candidate import Candidate

__all__ = ["distinguish"]

_ESTIMATING: Final = frozenset({SourceType.CAD, SourceType.POLICE, SourceType.FIRE})
_SENDING_UNITS: Final = frozenset({SourceType.EMS, SourceType.FIRE})
_KNOWN_TOLERANCE: Final = 5  # years between two ages that were asked for or read; a wider gap is more often a second person
_ESTIMATE_TOLERANCE: Final = 15  # years, where one of the two was estimated


def distinguish(reports: Sequence[Candidate]) -> list[list[Candidate]]:
    """Divide the reports of an incident, given in canonical order, among the people they are about.

    Each report goes to the first person it may be about, one with an equal number before all others; else it is about a new one.
    """
    people: list[_Person] = []
    by_number: dict[str, list[_Person]] = defaultdict(list)
    for report in reports:
        # Two patients of one scene often have calls of their own: the same number is a better sign than the order.
        same = (person for number in report.links.numbers for person in by_number[number] if person.may_be(report))
        chosen = next(same, None) or next((person for person in people if person.may_be(report)), None)
        if chosen is None:
            chosen = _Person()
            people.append(chosen)
        chosen.add(report)
        for number in report.links.numbers:
            if chosen not in by_number[number]:
                by_number[number].append(chosen)
    return [person.reports for person in people]


class _Person:
    """The reports about one person, and of them what a further report is compared with: no pair is compared twice."""

    __slots__ = ("_estimated", "_known", "_of_agency", "_sex", "reports")

    def __init__(self) -> None:
        self.reports: list[Candidate] = []
        self._of_agency: dict[str, int | None] = {}  # the age that each agency tells
        self._sex = Sex.UNKNOWN
        # The highest lower and the lowest upper bound of the ages told: from whoever knows, and from whoever estimates.
        self._known: tuple[int, int] | None = None
        self._estimated: tuple[int, int] | None = None

    def may_be(self, report: Candidate) -> bool:
        """Return whether nothing speaks against the report being about this person."""
        agency = report.agency
        if agency in self._of_agency and not _is_second_unit(report, self._of_agency[agency]):
            return False
        sex = report.extract.victims.sex
        if Sex.UNKNOWN not in {sex, self._sex} and sex is not self._sex:
            return False
        known = _ESTIMATE_TOLERANCE if _is_estimating(report) else _KNOWN_TOLERANCE
        return _agree(report.ages, self._known, known) and _agree(report.ages, self._estimated, _ESTIMATE_TOLERANCE)

    def add(self, report: Candidate) -> None:
        """Take the report in."""
        self.reports.append(report)
        self._of_agency[report.agency] = report.extract.victims.age
        if self._sex is Sex.UNKNOWN:
            self._sex = report.extract.victims.sex
        if report.ages is not None:
            if _is_estimating(report):
                self._estimated = _narrowed(self._estimated, report.ages)
            else:
                self._known = _narrowed(self._known, report.ages)


def _is_second_unit(report: Candidate, told: int | None) -> bool:
    # An agency's two reports are two people, unless two of its units tell the same age. A band of ages is shared by too many.
    return report.extract.reference.source_type in _SENDING_UNITS and told is not None and report.extract.victims.age == told


def _is_estimating(report: Candidate) -> bool:
    return report.extract.reference.source_type in _ESTIMATING


def _agree(ages: tuple[int, int] | None, bounds: tuple[int, int] | None, tolerance: int) -> bool:
    return ages is None or bounds is None or (bounds[0] - ages[1] <= tolerance and ages[0] - bounds[1] <= tolerance)


def _narrowed(bounds: tuple[int, int] | None, ages: tuple[int, int]) -> tuple[int, int]:
    return ages if bounds is None else (max(bounds[0], ages[0]), min(bounds[1], ages[1]))

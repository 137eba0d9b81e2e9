"""What only one side of a file writes says nothing: hospitals that ambulances call otherwise, and numbers that an agency gives itself.

For whole files only. A name that differs is evidence for two people only among those who call one hospital by one name; a part of a stream
does not show who does.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from spikewatch.enrichment.domain.matching.blocking import NUMBER_WINDOW
from spikewatch.enrichment.domain.matching.codes import KIND_CODE
from spikewatch.enrichment.domain.matching.records import Compared

__all__ = ["without_own_words"]

_LEAST: Final = 20  # stated: fewer do not tell what an agency never writes
_OTHERWISE: Final = 0.05  # of what emergency departments are called by themselves alone: more is no slip of the pen
_MOSTLY: Final = 0.5
_SHARED: Final = 0.02  # of an agency's numbers: fewer meet by chance
_HOURS_OF_CALL: Final = 2 * NUMBER_WINDOW  # clocks that go hours wrong are put right later, by these very numbers
_ED: Final = KIND_CODE["ed"]

_Whose = tuple[int, str]
"""Kind and name of an agency that states many names or numbers; no name for all smaller ones of its kind."""


def without_own_words(records: Sequence[Compared]) -> list[Compared]:
    """Return the records, given in canonical order, without the hospitals' names and calls' numbers that nobody else of the file knows."""
    return _without_own_numbers(_without_own_names(records))


def _without_own_names(records: Sequence[Compared]) -> list[Compared]:
    """Take away names of hospitals that only emergency departments write, and where those are many, those that only the others write.

    Where departments call themselves as the others do, a name that none of them has is that of a hospital outside the file: it stays.
    An agency that writes hardly any of the departments' names, and they hardly any of its, has words of its own, whatever others write.
    """
    visits = Counter(one.hospital for one in records if one.hospital and one.kind == _ED)
    sent = [one for one in records if one.hospital and one.kind != _ED]
    if min(visits.total(), len(sent)) < _LEAST:
        return list(records)
    of_agency = Counter(one.agency.lower() for one in sent)
    by_writer: dict[_Whose, Counter[str]] = {}
    for one in sent:
        by_writer.setdefault(_whose(one, of_agency), Counter())[one.hospital] += 1
    apart = {writer for writer, names in by_writer.items() if _calls_otherwise(names, visits)}
    others = {name for names in by_writer.values() for name in names}
    own = visits.keys() - others
    if sum(visits[name] for name in own) > _OTHERWISE * visits.total():
        own |= others - visits.keys()
    if not own and not apart:
        return list(records)
    return [
        one._replace(hospital="")
        if one.hospital in own or (one.hospital and one.kind != _ED and one.hospital not in visits and _whose(one, of_agency) in apart)
        else one
        for one in records
    ]


def _calls_otherwise(names: Counter[str], visits: Counter[str]) -> bool:
    """Return whether most of the hospitals that are stated here no department is called, and most departments are not stated here."""
    unknown = sum(count for name, count in names.items() if name not in visits)
    unstated = sum(count for name, count in visits.items() if name not in names)
    return names.total() >= _LEAST and unknown > _MOSTLY * names.total() and unstated > _MOSTLY * visits.total()


def _whose(one: Compared, of_agency: Counter[str]) -> _Whose:
    agency = one.agency.lower()
    return one.kind, agency if of_agency[agency] >= _LEAST else ""


def _without_own_numbers(records: Sequence[Compared]) -> list[Compared]:
    """Take away the numbers of agencies that share hardly any with another one within a day.

    Small agencies are judged by kind. Where all number calls themselves, those who come first during a call keep their numbers:
    they still tell that two people are of one call.
    """
    numbered = sorted([one for one in records if one.cad], key=lambda one: (one.cad, one.seconds, one.key.int))
    if not numbered:
        return list(records)
    of_agency = Counter(one.agency.lower() for one in numbered)
    whose = [_whose(one, of_agency) for one in numbered]
    shared: set[int] = set()
    for at, (one, two) in enumerate(pairwise(numbered)):
        if one.cad == two.cad and one.agency.lower() != two.agency.lower() and two.seconds - one.seconds <= _HOURS_OF_CALL:
            shared |= {at, at + 1}
    stated, common = Counter(whose), Counter(whose[at] for at in shared)
    many = {one for one, count in stated.items() if count >= _LEAST}
    own = {one for one in many if common[one] < _SHARED * stated[one]}
    if own == many:
        own -= {min(many, default=None)}
    if not own:
        return list(records)
    taken = {one.key for one, writer in zip(numbered, whose, strict=True) if writer in own}
    return [one._replace(cad="") if one.key in taken else one for one in records]

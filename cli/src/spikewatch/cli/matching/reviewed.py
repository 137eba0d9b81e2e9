"""``match learn --reviewed``: pairs that people reviewed, from a table by report id or from decisions by report key."""

import csv
import io
from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Final
from uuid import UUID

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.files.opened import opened
from spikewatch.cli.matching.decisions_file import decisions_named
from spikewatch.cli.progress import say
from spikewatch.enrichment.domain.matching.decisions import DecisionLevel, Decisions, Pair

__all__ = ["Reviewed", "pairs_of", "reviewed_pairs", "say_if_little", "say_what_was_reviewed"]

Reviewed = dict[Pair, bool]
"""Pairs of report keys, and whether the two are of one person."""

_YES: Final = frozenset({"1", "true", "yes", "same"})
_NO: Final = frozenset({"0", "false", "no", "different"})
_FEW: Final = 30  # of a labelled pair's count so many weigh as much as what was begun with; a reviewed one counts a quarter
_COLUMNS: Final = ("report_id_1", "report_id_2", "same")


def reviewed_pairs(name: str) -> tuple[int, Callable[[Mapping[str, UUID]], Reviewed]]:
    """Read a file of reviewed pairs; return how many there are, and what finds those of the names that the reports of one file have.

    Raises:
        CannotRun: the file is neither a table of pairs nor decisions.
    """
    with opened(name) as file:
        if file.start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] not in {b"{", b"["}:
            rows = _rows(name, io.TextIOWrapper(file.stream, encoding="utf-8-sig", newline=""))
            found = rows.items()
            return len(rows), lambda keys: {_pair(keys[one], keys[two]): same for (one, two), same in found if one in keys and two in keys}
    decided = pairs_of(decisions_named(name))

    def of(keys: Mapping[str, UUID]) -> Reviewed:
        there = frozenset(keys.values())
        return {pair: same for pair, same in decided.items() if there.issuperset(pair)}

    return len(decided), of


def pairs_of(decisions: Decisions) -> Reviewed:
    """Return what the decisions in force say of persons; that two are of one incident says nothing about that."""
    together = {pair: True for group in decisions.together(DecisionLevel.OVERDOSE) for pair in combinations(sorted(group), 2)}
    return together | dict.fromkeys(decisions.apart(DecisionLevel.OVERDOSE), False)


def say_what_was_reviewed(reviewed: Reviewed, counted: int, told: int, base: str) -> None:
    """Tell how much there was to learn from: pairs that were found in the files, those of them that counted, and those told in all."""
    same = sum(reviewed.values())
    say(
        f"{len(reviewed):,} of {told:,} reviewed pairs are of these files: {same:,} of one person, {len(reviewed) - same:,} of two; "
        f"{counted:,} count (of two people those that are near enough to be compared)"
    )
    say_if_little(same, len(reviewed) - same, base)


def say_if_little(same: int, different: int, base: str) -> None:
    """Tell when so few pairs of one person and of two hardly change the weights that were begun with."""
    if not same or not different:
        lacking = "one person" if not same else "two people"
        say(f"there is no pair of {lacking} to weigh the others against, so the weights of {base} stay as they are")
    elif min(same, different) < _FEW:
        say(f"that is little: fewer than {_FEW} pairs of one person or of two hardly move a weight, so nearly all stay those of {base}")


def _rows(name: str, text: io.TextIOWrapper) -> dict[tuple[str, str], bool]:
    rows = csv.DictReader(text)
    if not set(_COLUMNS) <= set(rows.fieldnames or ()):
        raise CannotRun(f"{name} needs the columns report_id_1, report_id_2 and same; or give decisions as JSON lines")
    found: dict[tuple[str, str], bool] = {}
    contradicted: set[tuple[str, str]] = set()
    for row in rows:
        where, said = f"{name}:{rows.line_num}", (row["same"] or "").strip().lower()
        if said not in _YES | _NO:
            raise CannotRun(f"{where}: same: is neither; expected yes or no, for example yes")
        one, two = sorted((row[column] or "").strip() for column in _COLUMNS[:2])
        if one == two:
            raise CannotRun(f"{where}: report_id_2: is that of report_id_1; expected another report, for example R0000002")
        if found.setdefault((one, two), said in _YES) is not (said in _YES):
            contradicted.add((one, two))
    if contradicted:
        example = " and ".join(min(contradicted))
        say(f"{len(contradicted):,} pairs are said to be of one person and of two, for example {example}: they are left out")
    return {pair: same for pair, same in found.items() if pair not in contradicted}


def _pair(one: UUID, two: UUID) -> Pair:
    return (one, two) if one < two else (two, one)

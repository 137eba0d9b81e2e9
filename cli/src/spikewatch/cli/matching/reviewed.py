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
from spikewatch.enrichment.domain.matching.decisions import DecisionLevel, Decisions, Pair

__all__ = ["Reviewed", "pairs_of", "reviewed_pairs"]

Reviewed = dict[Pair, bool]
"""Pairs of report keys, and whether the two are of one person."""

_YES: Final = frozenset({"1", "true", "yes", "same"})
_NO: Final = frozenset({"0", "false", "no", "different"})
_COLUMNS: Final = ("report_id_1", "report_id_2", "same")


def reviewed_pairs(name: str) -> Callable[[Mapping[str, UUID]], Reviewed]:
    """Read a file of reviewed pairs; return what makes them of the names that the reports of one file have.

    Raises:
        CannotRun: the file is neither a table of pairs nor decisions.
    """
    with opened(name) as file:
        if file.start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] not in {b"{", b"["}:
            rows = _rows(name, io.TextIOWrapper(file.stream, encoding="utf-8-sig", newline=""))
            return lambda keys: {(keys[one], keys[two]): same for one, two, same in rows if one in keys and two in keys}
    decided = pairs_of(decisions_named(name))
    return lambda _keys: decided


def pairs_of(decisions: Decisions) -> Reviewed:
    """Return what the decisions in force say of persons; that two are of one incident says nothing about that."""
    together = {pair: True for group in decisions.together(DecisionLevel.OVERDOSE) for pair in combinations(sorted(group), 2)}
    return together | dict.fromkeys(decisions.apart(DecisionLevel.OVERDOSE), False)


def _rows(name: str, text: io.TextIOWrapper) -> list[tuple[str, str, bool]]:
    rows = csv.DictReader(text)
    if not set(_COLUMNS) <= set(rows.fieldnames or ()):
        raise CannotRun(f"{name} needs the columns report_id_1, report_id_2 and same; or give decisions as JSON lines")
    found = []
    for row in rows:
        said = (row["same"] or "").strip().lower()
        if said not in _YES | _NO:
            raise CannotRun(f"{name}:{rows.line_num}: same must be yes or no")
        found.append(((row["report_id_1"] or "").strip(), (row["report_id_2"] or "").strip(), said in _YES))
    return found

"""Columns by what they mean, whatever a vendor calls them. Names are compared by their letters and digits alone.

A name that is not known so is tried without what stands in brackets (``Fatal (Y/N)``, ``Age (yrs)``) and with its abbreviations
written out (``Incident #``, ``Received DtTm``).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Final

from spikewatch.ingest.domain.feeds.fields import stated
from spikewatch.ingest.domain.record import Fields

__all__ = ["Synonyms"]

_BETWEEN: Final = re.compile(r"[\W_]+")
# Only what says nothing new: (Home), (Patient) or (UTC) would make another column of it.
_BRACKETED: Final = re.compile(
    r"\((?:y(?:es)?\s*/\s*no?(?:\s*/\s*u\w*)?|m\s*/\s*f(?:\s*/\s*\w+)?|fatal\s*/\s*non[- ]?fatal|in years|yrs?\.?|years?|mg|s|es|dd|decimal"
    r"(?: degrees)?|degrees?|local(?: time)?|24 ?-?h(?:ou)?rs?|military(?: time)?|hh:?mm(?:[: ]?ss)?|mm/dd/yy(?:yy)?(?: hh:mm(?::ss)?)?"
    r"|optional|required|if known|if applicable|approximate|e[a-z]+\.\d+)\)|\by\s*/\s*n\b",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"#|[A-Za-z0-9]+")
_WRITTEN_OUT: Final[Mapping[str, str]] = {
    "#": "number", "no": "number", "num": "number", "nbr": "number", "nr": "number", "qty": "number", "cnt": "count", "inc": "incident",
    "incd": "incident", "rpt": "report", "pt": "patient", "rcvd": "received", "recd": "received", "dt": "date", "tm": "time",
    "dttm": "datetime", "desc": "description", "descr": "description", "typ": "type", "addr": "address", "loc": "location",
    "muni": "municipality", "lat": "latitude", "lon": "longitude", "lng": "longitude", "long": "longitude", "coordinate": "", "coord": "",
    "dd": "", "wgs84": "",
}  # fmt: skip


class Synonyms:
    """A table of names.

    Args:
        table: for each name of ours the names of others, the best first. Each name of ours stands for itself too.
    """

    def __init__(self, table: Mapping[str, Sequence[str]]) -> None:
        self._meanings: Final[dict[str, tuple[str, int]]] = {}
        for ours, others in table.items():
            for rank, name in enumerate((ours, *others)):
                self._meanings.setdefault(_squeezed(name), (ours, rank))
        # A name that is written out may be another's own: that one keeps it.
        for ours, others in table.items():
            for rank, name in enumerate((ours, *others)):
                self._meanings.setdefault(_written_out(name), (ours, rank))
        self._plan = lru_cache(maxsize=256)(self._planned)
        self._last: tuple[tuple[str, ...], _Plan] = ((), self._planned(()))

    def __contains__(self, name: object) -> bool:
        """Tell whether a column of that name is read."""
        return isinstance(name, str) and self._meaning(name) is not None

    def renamed(self, fields: Fields) -> dict[str, object]:
        """Return the fields that are read under our names; of several for one meaning the best that states something."""
        names = tuple(fields)
        known, plan = self._last
        if names != known:  # of a table all rows have the same: equal at a glance, where a look-up takes a hash of all
            plan = self._plan(names)
            self._last = names, plan
        ours, pick, doubled = plan
        if ours == names and not doubled:
            return dict(fields)
        found = dict(zip(ours, pick(fields), strict=True))
        for name, columns in doubled:
            found[name] = next((value for column in columns if (value := stated(fields, column)) is not None), None)
        return found

    def meanings(self, names: Sequence[str]) -> frozenset[str]:
        """Return what a header's columns mean."""
        return frozenset(self._plan(tuple(names))[0])

    def _meaning(self, name: str) -> tuple[str, int] | None:
        bare = _BRACKETED.sub(" ", name)
        for form in (_squeezed(name), _squeezed(bare), _written_out(name), _written_out(bare)):
            if form and (meaning := self._meanings.get(form)) is not None:
                return meaning
        return None

    def _planned(self, names: tuple[str, ...]) -> "_Plan":
        ranked: dict[str, list[tuple[int, str]]] = {}
        for name in names:
            meaning = self._meaning(name)
            if meaning is not None:
                ranked.setdefault(meaning[0], []).append((meaning[1], name))
        columns = {ours: tuple(name for _, name in sorted(found)) for ours, found in ranked.items()}
        best = [found[0] for found in columns.values()]
        pick = itemgetter(*best) if len(best) > 1 else lambda fields: [fields[name] for name in best]
        return tuple(columns), pick, tuple((ours, found) for ours, found in columns.items() if len(found) > 1)


_Plan = tuple[tuple[str, ...], Callable[[Fields], Sequence[object]], tuple[tuple[str, tuple[str, ...]], ...]]
"""Our names, what picks their columns, and those that several columns stand for."""


def _squeezed(name: str) -> str:
    return _BETWEEN.sub("", name).lower()


def _written_out(name: str) -> str:
    return "".join(_WRITTEN_OUT.get(word, word) for word in _WORD.findall(name.lower()))

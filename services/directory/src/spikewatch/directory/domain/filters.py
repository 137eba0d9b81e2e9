"""A small part of AIP-160: terms joined by AND, so that any store can answer them by an index."""

import re
from dataclasses import dataclass
from typing import Final

from spikewatch.directory.domain.names import Kind
from spikewatch.directory.domain.refusals import InvalidFields

__all__ = ["Term", "parse_filter"]

_LONGEST: Final = 512
_LISTS: Final = frozenset({"areas", "categories"})
_FIELDS: Final = {
    Kind.AGENCY: ("display_name", "source_type", "state", "county_fips", "areas"),
    Kind.PROVIDER: ("display_name",),
    Kind.SERVICE: ("display_name", "status", "categories"),
    Kind.CONTACT: ("display_name", "role", "areas"),
    Kind.PROFILE: ("profile",),
    Kind.RULE: ("display_name",),
}
# role = "duty_desk" / areas:"county:42091" / state=active ; a bare value has no spaces or quotes.
_TERM: Final = re.compile(r'\s*(?P<field>[a-z_]+)\s*(?P<operator>=|:)\s*(?:"(?P<quoted>[^"]*)"|(?P<bare>[^\s"=]+))\s*')
_AND: Final = re.compile(r"AND(?=\s)")


@dataclass(frozen=True, slots=True)
class Term:
    """The field equals the value, or the list holds it."""

    field: str
    value: str

    def holds(self, value: object) -> bool:
        """Return whether a record's value satisfies the term."""
        return self.value in value if isinstance(value, tuple | list) else value == self.value


def parse_filter(kind: Kind, text: str) -> tuple[Term, ...]:
    """Read a filter; an empty one has no terms.

    Raises:
        InvalidFields: it cannot be read, or names a field that cannot be filtered by.
    """
    if not text.strip():
        return ()
    fields = _FIELDS[kind]
    problem = "is too long" if len(text) > _LONGEST else ""
    terms: list[Term] = []
    position = 0
    while not problem:
        match = _TERM.match(text, position)
        if match is None or match["field"] not in fields:
            problem = "cannot be read"
        elif match["operator"] == "=" and match["field"] in _LISTS:
            problem = "compares a list with ="
        else:
            terms.append(Term(match["field"], match["quoted"] if match["quoted"] is not None else match["bare"]))
            position = match.end()
            if position == len(text):
                return tuple(terms)
            joint = _AND.match(text, position)
            problem = "" if joint else "cannot be read"
            position = joint.end() if joint else position
    lists = [name for name in fields if name in _LISTS]
    has = f", or {lists[0]}:value" if lists else ""
    raise InvalidFields.of(
        "filter", problem, f"at most 512 characters of field = value{has}, joined by AND, over {', '.join(fields)}", f'{fields[0]} = "…"'
    )

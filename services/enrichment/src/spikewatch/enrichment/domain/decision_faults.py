"""What is wrong with a decision, for whoever sent it: the field, the problem, what was expected, and an example; never what was sent."""

import re
from typing import Final

from pydantic import ValidationError

from spikewatch.contracts.decision import Decision, DecisionKind
from spikewatch.enrichment.domain.matching.decisions import Decisions, Force

__all__ = ["beside", "fault_of", "reason_fault"]

_ID: Final = "0b7f7a1e-58f5-5a4f-8c1c-8b6f5a0f9d11"
_REPORTS: Final = f"expected 1 to 200 report keys, each once, for example [{_ID!r}]; decide about overdoses of theirs, such as INCIDENT/2"
_EXPECTED: Final = {
    "author": "expected up to 63 small letters, digits and dashes that name nobody, for example reviewer-7",
    "reason": "expected 3 to 512 letters that name nobody, for example 'another patient of the same car'",
    "reports": _REPORTS.replace("'", '"'),
    "others": _REPORTS.replace("'", '"').replace("1 to 200", "at most 200"),
    "kind": "expected together, apart or undo, for example together",
    "level": "expected overdose (one person) or incident (one call or scene), for example overdose",
    "undoes": f"expected the id of the decision that an undo takes back, for example {_ID}",
    "decided_at": "expected a time with its zone, for example 2026-05-01T12:00:00Z",
    "decision_id": f"expected the uuid5 that follows from what is decided, for example {_ID}",
}
_PROBLEMS: Final = {
    "missing": "is missing",
    "too_long": "are too many",
    "too_short": "are too few",
    "string_too_long": "is too long",
    "string_too_short": "is too short",
}
_NONE: Final = {"author": "is no account id", "reason": "is no text", "decided_at": "is no time with its zone"}
_WHOLE: Final = "expected a decision as JSON, as `spikewatch incident merge --json` prints one"
_OURS: Final = "Value error, "

# A reason is kept for ever. Ids of reports and incidents name nobody, so they are left out before digits are looked at.
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
_NAMING: Final = (
    (re.compile(r"\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d{2})\b|\b(?:19|20)\d\d-\d{1,2}-\d{1,2}"), "a date"),
    (re.compile(r"\b[\w.+-]+@[\w-]+\.\w+"), "an e-mail address"),
    (re.compile(r"\d(?:[ ().-]{0,2}\d){6}"), "a phone number or the number of a record"),
    (re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]"), "a control character"),
)


def fault_of(error: ValidationError) -> str:
    """Return the first thing that is wrong with a decision as one sentence, without its full stop."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"]))
    field = str(first["loc"][0]) if first["loc"] else ""
    if not field:
        said = first["msg"]
        return f"decision: {said.removeprefix(_OURS) if said.startswith(_OURS) else 'is none'}; {_WHOLE}"
    # Of a longer path an item is wrong, not how many there are.
    problem = "is no report key" if len(first["loc"]) > 1 else _PROBLEMS.get(first["type"], _NONE.get(field, "is none"))
    return f"{place}: {problem}; {_EXPECTED.get(field, _WHOLE)}"


def reason_fault(reason: str) -> str | None:
    """Return what in a reason may tell who a person is, as one sentence without its full stop; None: nothing that shows.

    Names do not show. Times of day, ages, units and numbers of up to six digits are left to be told.
    """
    bare = _UUID.sub("", reason)
    for pattern, what in _NAMING:
        if pattern.search(bare):
            return f"reason: holds what looks like {what}; {_EXPECTED['reason']}"
    return None


def beside(decision: Decision, known: Decisions) -> str | None:
    """Return why a new decision would change nothing or not hold beside those that are known, as one sentence; None: it would hold.

    Args:
        decision: it is not among those known.
        known: what bears on its reports and, of an undo, on those of what it takes back.
    """
    if decision.kind is DecisionKind.UNDO:
        earlier = next((one for one in known.all if one.undoes == decision.undoes), None)
        return None if earlier is None else f"the decision was undone already by {_of(earlier)}; an undo is final"
    for one in known.standing:
        if _says(one) == _says(decision) and known.force(one) is Force.WHOLE:
            return f"the same was decided already and is in force: {one.decision_id} by {_of(one)}"
    if Decisions((*known.all, decision)).force(decision) is not Force.WHOLE:
        later = next(one for one in known.standing if one.decided_at >= decision.decided_at)
        return (
            f"a decision of a later time says otherwise: {later.decision_id} by {_of(later)}; "
            "set the clock of the machine that decides, or undo the later one first"
        )
    return None


def _of(decision: Decision) -> str:
    return f"{decision.author} at {decision.decided_at:%Y-%m-%d %H:%M} UTC"


def _says(decision: Decision) -> tuple[object, ...]:
    return decision.kind, decision.level, frozenset((frozenset(decision.reports), frozenset(decision.others)))

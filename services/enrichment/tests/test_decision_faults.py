"""What is told of a decision that is not taken: the field, the problem, what was expected; nothing of what was sent."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from spikewatch.contracts.decision import Decision, DecisionKind, DecisionLevel
from spikewatch.enrichment.domain.decision_faults import beside, fault_of, reason_fault
from spikewatch.enrichment.domain.matching.decisions import Decisions, Force

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
A, B, C = (UUID(int=number) for number in (1, 2, 3))
PERSON, SCENE = DecisionLevel.OVERDOSE, DecisionLevel.INCIDENT


def decided(kind: DecisionKind, one: list[UUID], other: list[UUID], minute: int = 0, **more: Any) -> Decision:
    told = {"author": "reviewer-7", "reason": "as tested", "level": PERSON} | more
    return Decision.of(kind, told.pop("level"), one, other, decided_at=NOON + timedelta(minutes=minute), **told)


GOOD = json.loads(decided(DecisionKind.TOGETHER, [A], [B]).to_json())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"author": "Jane Doe"}, "author: is no account id; expected up to 63 small letters, digits and dashes"),
        ({"author": None}, "author: is missing"),
        ({"reason": "x"}, "reason: is too short; expected 3 to 512 letters"),
        ({"reason": "Jane " * 200}, "reason: is too long"),
        ({"kind": "Jane"}, "kind: is none; expected together, apart or undo, for example together"),
        ({"level": 7}, "level: is none; expected overdose (one person) or incident"),
        ({"reports": []}, "reports: are too few; expected 1 to 200 report keys"),
        ({"reports": [str(UUID(int=one)) for one in range(201)]}, "reports: are too many"),
        ({"reports": ["Jane"]}, "reports.0: is no report key; expected 1 to 200 report keys"),
        ({"decided_at": "2026-05-01T12:00:00"}, "decided_at: is no time with its zone; expected a time with its zone, for example 2026-"),
        ({"decision_id": str(A)}, "decision: decision_id does not follow from what is decided; expected a decision as JSON"),
        ({"undoes": str(A)}, "decision: an undo says what it undoes"),
    ],
)
def test_a_fault_names_the_field_the_problem_and_what_was_expected(change: dict[str, Any], says: str) -> None:
    document = {name: value for name, value in (GOOD | change).items() if value is not None}
    with pytest.raises(ValidationError) as caught:
        Decision.model_validate_json(json.dumps(document))
    told = fault_of(caught.value)
    assert told.startswith(says)
    assert "example" in told or "as `spikewatch incident merge --json` prints one" in told
    for part in ("Jane", "pattern", "Value error", "Input should"):
        assert part not in told


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'"Jane"', b"\xff"])
def test_what_is_no_decision_at_all_is_told_so(text: bytes) -> None:
    with pytest.raises(ValidationError) as caught:
        Decision.model_validate_json(text)
    assert fault_of(caught.value).startswith("decision: is none; expected a decision as JSON")


@pytest.mark.parametrize(
    ("reason", "what"),
    [
        ("born 1/2/1980", "a date"),
        ("dob 1980-01-02", "a date"),
        ("call back 555-0100", "a phone number"),
        ("(412) 555 0100", "a phone number"),
        ("MRN 12345678", "the number of a record"),
        ("ask jane@example.org", "an e-mail address"),
        ("two people\x1b[2J", "a control character"),
    ],
)
def test_a_reason_that_tells_who_somebody_is_is_refused_without_repeating_it(reason: str, what: str) -> None:
    told = reason_fault(reason)
    assert told is not None
    assert what in told
    assert reason not in told


@pytest.mark.parametrize(
    "reason",
    [
        "another patient of the same car",
        "ages 34 and 61, 12 min apart, 400 m",
        "EMS at 12:05:33 and 12:06:10, unit 12",
        "the same as 0b7f7a1e-58f5-5a4f-8c1c-8b6f5a0f9d11:3",
        "él y su hermana",
    ],
)
def test_a_reason_may_tell_ages_times_and_ids(reason: str) -> None:
    assert reason_fault(reason) is None


def test_what_was_decided_already_is_told_with_who_did() -> None:
    first = decided(DecisionKind.TOGETHER, [A], [B])
    again = decided(DecisionKind.TOGETHER, [B], [A], 5, author="reviewer-9")
    known = Decisions([first])
    told = beside(again, known)
    assert told is not None
    assert str(first.decision_id) in told
    assert "reviewer-7" in told
    assert beside(decided(DecisionKind.TOGETHER, [A], [B], 5, level=SCENE), known) is None, "about another thing"
    assert beside(decided(DecisionKind.APART, [A], [B], 5), known) is None, "a contradiction of a later time stands"
    outranked = Decisions([first, decided(DecisionKind.APART, [A], [B], 3)])
    assert beside(again, outranked) is None, "the first is no longer in force: it may be decided anew"


def test_a_decision_that_later_ones_outrank_is_told_so_and_an_undo_happens_once() -> None:
    first = decided(DecisionKind.TOGETHER, [A], [B], 10)
    told = beside(decided(DecisionKind.APART, [A], [B, C]), Decisions([first]))
    assert told is not None
    assert "a decision of a later time says otherwise" in told
    assert str(first.decision_id) in told
    undo = decided(DecisionKind.UNDO, [A], [B], 11, undoes=first.decision_id)
    assert beside(undo, Decisions([first])) is None
    twice = decided(DecisionKind.UNDO, [A], [B], 12, undoes=first.decision_id)
    assert "undone already by reviewer-7" in (beside(twice, Decisions([first, undo])) or "")


def test_how_far_a_decision_is_in_force() -> None:
    whole = decided(DecisionKind.APART, [A], [B, C])
    later = decided(DecisionKind.TOGETHER, [A], [B], 1)
    undo = decided(DecisionKind.UNDO, [A], [B], 2, undoes=later.decision_id)
    assert Decisions([whole]).force(whole) is Force.WHOLE
    assert [Decisions([whole, later]).force(one) for one in (whole, later)] == [Force.PART, Force.WHOLE]
    both = decided(DecisionKind.TOGETHER, [A, B, C], [], 3)
    assert Decisions([whole, both]).force(whole) is Force.OUTRANKED
    taken_back = Decisions([undo, later, whole])
    assert [taken_back.force(one) for one in (whole, later, undo)] == [Force.WHOLE, Force.UNDONE, Force.WHOLE]

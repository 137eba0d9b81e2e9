"""What people decided does not depend on the order in which it is told, contradicts itself nowhere, and can be taken back."""

from datetime import UTC, datetime, timedelta
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewatch.contracts.decision import Decision, DecisionKind, DecisionLevel
from spikewatch.enrichment.domain.matching.decisions import Decisions

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
A, B, C, D = (UUID(int=number) for number in (1, 2, 3, 4))
PERSON, SCENE = DecisionLevel.OVERDOSE, DecisionLevel.INCIDENT
keys = st.integers(1, 7).map(lambda number: UUID(int=number))


def decided(kind, level, one, other=(), *, minute=0, undoes=None):
    at = START + timedelta(minutes=minute)
    return Decision.of(kind, level, one, other, author="reviewer-1", reason="as tested", decided_at=at, undoes=undoes)


def together(level, *reports, minute=0):
    return decided(DecisionKind.TOGETHER, level, reports, minute=minute)


def apart(level, one, other, *, minute=0):
    return decided(DecisionKind.APART, level, one, other, minute=minute)


def undo(decision, *, minute=0):
    return decided(DecisionKind.UNDO, decision.level, decision.reports, minute=minute, undoes=decision.decision_id)


def says(decisions):
    return [(decisions.together(level), decisions.apart(level)) for level in DecisionLevel]


@st.composite
def decision(draw):
    reports = draw(st.lists(keys, min_size=2, max_size=4, unique=True))
    cut = draw(st.integers(0, len(reports) - 1))
    one, other = (reports[:cut], reports[cut:]) if cut else (reports, [])
    kind = draw(st.sampled_from([DecisionKind.TOGETHER, DecisionKind.APART]))
    return decided(kind, draw(st.sampled_from(DecisionLevel)), one, other, minute=draw(st.integers(0, 5)))


@st.composite
def histories(draw):
    made = draw(st.lists(decision(), max_size=8))
    undone = draw(st.lists(st.sampled_from(made), max_size=3)) if made else []
    return [*made, *(undo(one, minute=draw(st.integers(0, 9))) for one in undone)]


@given(histories(), st.data())
def test_any_order_with_any_repetition_says_the_same(history, data):
    told = data.draw(st.permutations(history + data.draw(st.lists(st.sampled_from(history), max_size=4) if history else st.just([]))))
    assert says(Decisions(told)) == says(Decisions(history))
    assert Decisions(told).all == Decisions(history).all


@given(histories())
def test_nothing_that_must_be_apart_is_joined_and_one_overdose_is_in_one_incident(history):
    standing = Decisions(history)
    for level in DecisionLevel:
        groups = standing.together(level)
        assert len({key for group in groups for key in group}) == sum(map(len, groups)), "groups are disjoint"
        for one, two in standing.apart(level):
            assert not any({one, two} <= group for group in groups)
    for group in standing.together(PERSON):
        assert any(group <= scene for scene in standing.together(SCENE))
    assert standing.apart(SCENE) <= standing.apart(PERSON)


@given(histories())
def test_the_latest_decision_is_in_force_whole(history):
    standing = Decisions(history)
    if not standing:
        return
    latest = standing.standing[0]
    sides = (latest.reports, latest.others) if latest.others else tuple((key,) for key in latest.reports)
    for one, other in combinations(sides, 2):
        for first in one:
            for second in other:
                is_joined = any({first, second} <= group for group in standing.together(latest.level))
                is_apart = (min(first, second), max(first, second)) in standing.apart(latest.level)
                assert (is_joined, is_apart) == ((True, False) if latest.kind is DecisionKind.TOGETHER else (False, True))


@given(histories(), st.data())
def test_an_undo_leaves_what_was_before_whenever_it_comes(history, data):
    extra = data.draw(decision())
    base = [one for one in history if extra.decision_id not in {one.decision_id, one.undoes}]
    taken_back = [*base, extra, undo(extra, minute=data.draw(st.integers(0, 9)))]
    assert says(Decisions(taken_back)) == says(Decisions(base))


@given(histories(), st.sets(keys, min_size=1, max_size=3))
def test_those_that_bear_on_some_reports_say_of_them_what_all_say(history, reports):
    whole, part = Decisions(history), Decisions(history).of(reports)
    for level in DecisionLevel:
        touching = [group for group in whole.together(level) if not reports.isdisjoint(group)]
        assert set(touching) <= set(part.together(level))
        assert {pair for pair in whole.apart(level) if not reports.isdisjoint(pair)} <= part.apart(level)
        assert set(part.together(level)) <= set(whole.together(level))
        assert part.apart(level) <= whole.apart(level)


def test_the_later_of_two_decisions_on_a_pair_stands():
    first, second = together(PERSON, A, B), apart(PERSON, [A], [B], minute=1)
    assert says(Decisions([first, second]))[0] == ((), {(A, B)})
    again = together(PERSON, A, B, minute=2)
    assert Decisions([first, second, again]).together(PERSON) == ({A, B},)


def test_a_later_parting_breaks_the_earlier_of_two_ties():
    history = [together(PERSON, A, B, minute=2), together(PERSON, B, C), apart(PERSON, [A], [C], minute=1)]
    assert Decisions(history).together(PERSON) == ({A, B},)


def test_parting_two_people_leaves_them_in_one_incident():
    history = [together(PERSON, A, B), apart(PERSON, [A], [B], minute=1), together(SCENE, A, B)]
    standing = Decisions(history)
    assert standing.together(SCENE) == ({A, B},)
    assert standing.apart(PERSON) == {(A, B)}
    assert standing.apart(SCENE) == frozenset()


def test_a_decision_about_some_says_nothing_about_two_of_one_side():
    assert Decisions([apart(PERSON, [A, B], [C, D])]).apart(PERSON) == {(A, C), (A, D), (B, C), (B, D)}


def test_nothing_decided_is_falsy_and_so_is_all_undone():
    one = together(PERSON, A, B)
    assert not Decisions()
    assert not Decisions([undo(one), one])
    assert Decisions([one])


@pytest.mark.parametrize(
    "change",
    [{"undoes": A}, {"reports": (A,), "others": ()}, {"others": (A,)}, {"author": "someone-else"}, {"kind": "undo"}],
    ids=["an undone without an undo", "one report", "a report on both sides", "an id of another decision", "an undo of nothing"],
)
def test_what_is_no_decision_is_refused(change):
    right = decided(DecisionKind.APART, PERSON, [A], [B]).model_dump(mode="json")
    assert Decision.model_validate(right)
    with pytest.raises(ValueError, match=r"decision|undo|report"):
        Decision.model_validate(right | change)


def test_the_id_does_not_depend_on_the_order_of_the_reports_nor_on_the_reason():
    one = Decision.of(DecisionKind.APART, PERSON, [A, B], [D, C], author="r", reason="first", decided_at=START)
    two = Decision.of(DecisionKind.APART, PERSON, [B, A], [C, D], author="r", reason="other", decided_at=START.astimezone())
    assert one.decision_id == two.decision_id
    assert (
        one.decision_id != Decision.of(DecisionKind.APART, SCENE, [A, B], [C, D], author="r", reason="first", decided_at=START).decision_id
    )

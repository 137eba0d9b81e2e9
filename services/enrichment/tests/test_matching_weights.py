"""Weights as data, learning them, measuring them, and explaining what they led to."""

import json
import random
from dataclasses import replace
from importlib.resources import files
from uuid import UUID

import jsonschema
import numpy as np
import pytest

from spikewatch.enrichment.adapters.matching_weights import LEARNT, NEUTRAL, load_weights
from spikewatch.enrichment.domain.matching.evaluation import agreement, pair_agreement, pair_figures, reliability
from spikewatch.enrichment.domain.matching.explanation import edge, explain
from spikewatch.enrichment.domain.matching.fields import FIELDS, OFFSETS
from spikewatch.enrichment.domain.matching.learning import Counts, count_labelled, count_reviewed, learn, learn_unlabelled
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.domain.matching.records import Compared, newest, of_row
from spikewatch.enrichment.domain.matching.weights import SCALE, Weights, WrongWeights


def bits(weights: Weights, field: str, context: str, level: str) -> float:
    for one, offset in zip(FIELDS, OFFSETS, strict=True):
        if one.name == field:
            return int(weights.table[offset + one.contexts.index(context) * len(one.levels) + one.levels.index(level)]) / SCALE
    raise AssertionError(field)


def reports(people: int, seed: int = 1) -> tuple[list[Compared], dict[UUID, int]]:
    """An ambulance and a fire engine to each person; the engine's crew writes down the sex, right in nine of ten."""
    draw = random.Random(seed)
    made, truth = [], {}
    for person in range(people):
        minute, lat, sex = draw.randrange(20_000), 40 + draw.uniform(0, 0.02), draw.choice("MF")
        for agency, lag in (("EMS", 8), ("FIRE", 4)):
            at = minute + lag + draw.randrange(3)
            told = sex if agency == "EMS" or draw.random() < 0.9 else {"M": "F", "F": "M"}[sex]
            row = {"agency": agency, "agency_record_no": f"{agency}{person}", "sex": told, "lat": str(lat), "lon": "-79"}
            row["event_time"] = f"2026-05-{1 + at // 1440:02d}T{at // 60 % 24:02d}:{at % 60:02d}:07Z"
            made.append(of_row(row))
            truth[made[-1].key] = person
    return newest(made), truth


@pytest.mark.parametrize("name", [LEARNT, NEUTRAL])
def test_shipped_weights_fit_their_schema_and_say_where_they_are_from(name: str) -> None:
    document = json.loads(files("spikewatch.enrichment.weights").joinpath(f"matching_{name}.json").read_text(encoding="utf-8"))
    schema = json.loads(files("spikewatch.enrichment.weights").joinpath("matching.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, schema)
    weights = load_weights(name)
    assert weights.name == name
    assert len(weights.origin) > 20
    assert json.loads(weights.to_json()) == document


def test_weights_come_back_as_they_were_written() -> None:
    weights = load_weights(NEUTRAL)
    again = Weights.parse(weights.to_json())
    assert np.array_equal(weights.table, again.table)
    assert (again.join, again.veto, again.confidence) == (weights.join, weights.veto, weights.confidence)


def test_two_learnings_under_one_name_and_version_are_told_apart_by_what_they_weigh() -> None:
    learnt = []
    for seed in (1, 2):
        counts = Counts.none()
        count_labelled(*reports(300, seed), counts)
        learnt.append(learn(counts, load_weights(NEUTRAL), name="local", origin="labels"))
    assert len({(one.name, one.version) for one in learnt}) == 1
    one, two = (one.label for one in learnt)
    assert one != two
    assert Weights.parse(learnt[0].to_json()).label == one, "a file says what was learnt"
    for change in ({"join": 0.5}, {"veto": -40}, {"confidence": {"together": [[None, 0.5]], "complete": [[[None, 0.5]]] * 3}}):
        assert Weights.parse(json.dumps(json.loads(learnt[0].to_json()) | change)).label != one
    assert replace(learnt[0], origin="elsewhere").label == one


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"format": 2}, "format"),
        ({"colour": 1}, "colour"),
        ({"version": 0}, "version"),
        ({"version": True}, "version"),
        ({"join": "0"}, "join"),
        ({"veto": 1000}, "veto"),
        ({"fields": []}, "fields"),
        ({"fields": {"height": {}}}, "height"),
        ({"fields": {"age": []}}, "age"),
        ({"fields": {"age": {"old": {}}}}, "old"),
        ({"fields": {"age": {"exact": 3}}}, "exact"),
        ({"fields": {"age": {"exact": {"77": 1}}}}, "77"),
        ({"fields": {"age": {"exact": {"0": True}}}}, "exact.0"),
        ({"confidence": {}}, "confidence"),
        ({"confidence": 7}, "confidence"),
        ({"confidence": {"together": [[2, 0.5], [1, 0.6], [None, 1]], "complete": []}}, "together"),
    ],
)
def test_what_is_no_weights_is_refused_with_its_place(change: dict[str, object], where: str) -> None:
    document = json.loads(load_weights(NEUTRAL).to_json()) | change
    with pytest.raises(WrongWeights, match=where):
        Weights.parse(json.dumps(document))


def test_a_file_of_weights_is_named_where_it_is_wrong() -> None:
    with pytest.raises(WrongWeights, match="nowhere"):
        load_weights("nowhere.json")
    with pytest.raises(WrongWeights, match="no JSON"):
        Weights.parse("{")


def test_labels_teach_how_often_a_field_is_wrong() -> None:
    counts = Counts.none()
    count_labelled(*reports(600), counts)
    learnt = learn(counts, load_weights(NEUTRAL), name="x", origin="test")
    # Nine of ten agree where one person is meant, five of ten by chance: log2(.9/.5) and log2(.1/.5), drawn a little towards zero.
    assert bits(learnt, "sex", "ems|fire", "same") == pytest.approx(0.85, abs=0.15)
    assert bits(learnt, "sex", "ems|fire", "different") == pytest.approx(-2.32, abs=0.5)
    # Of what was never seen the weights begun with stay.
    assert bits(learnt, "hospital", "ems|ed", "same") == bits(load_weights(NEUTRAL), "hospital", "ems|ed", "same")


def test_without_labels_much_the_same_is_learnt() -> None:
    records, truth = reports(600)
    counts = Counts.none()
    count_labelled(records, truth, counts)
    labelled = learn(counts, load_weights(NEUTRAL), name="x", origin="test")
    blind = learn_unlabelled(records, load_weights(NEUTRAL))
    for level in ("same", "different"):
        assert bits(blind, "sex", "ems|fire", level) == pytest.approx(bits(labelled, "sex", "ems|fire", level), abs=0.4)


def test_without_labels_only_weights_of_time_differences_go_far_from_where_they_began() -> None:
    base = load_weights(NEUTRAL)
    gone = np.abs(learn_unlabelled(reports(600)[0], base).table - base.table) / SCALE
    time = next(index for index, field in enumerate(FIELDS) if field.name == "time")
    part = slice(OFFSETS[time], OFFSETS[time] + FIELDS[time].size)
    assert gone[part].max() > 1.0
    gone[part] = 0.0
    assert gone.max() == 0.5


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": 0}'])
def test_weights_of_another_format_are_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(
        WrongWeights, match=r"format 1, which this build reads.*learn them anew with spikewatch match learn, or use the shipped"
    ):
        Weights.parse(text)


def test_reports_of_unknown_people_are_not_counted() -> None:
    records, truth = reports(20)
    counts, some = Counts.none(), Counts.none()
    count_labelled(records, {}, counts)
    assert counts.same.sum() == counts.different.sum() == 0
    count_labelled(records, {key: person for key, person in truth.items() if person == 3}, some)
    assert some.same[OFFSETS[0] :].sum() > 0
    assert some.different.sum() == 0


def test_reviewed_pairs_that_are_not_there_are_left_out() -> None:
    records, _ = reports(5)
    counts = Counts.none()
    known = (records[0].key, records[1].key)
    assert count_reviewed(records, {known: True, (records[0].key, UUID(int=1)): False}, counts) == 1
    assert count_reviewed(records, {}, counts) == 0


def test_what_people_chose_to_review_moves_no_prior_and_far_pairs_of_two_people_say_nothing() -> None:
    records, truth = reports(300)
    base = load_weights(NEUTRAL)
    of = {person: [one.key for one in records if truth[one.key] == person] for person in range(300)}
    one_person = {(keys[0], keys[1]): True for keys in of.values()}
    # One after the other by two weeks at random: hardly any two of them are of one day.
    two_people = {(of[person][0], of[(person * 7 + 11) % 300][1]): False for person in range(300) if (person * 7 + 11) % 300 != person}
    counts = Counts.none()
    assert 300 <= count_reviewed(records, one_person | two_people, counts) < 310
    learnt = learn(counts, base, name="x", origin="test")
    prior = slice(OFFSETS[0], OFFSETS[0] + FIELDS[0].size)
    assert FIELDS[0].name == "prior"
    assert np.array_equal(learnt.table[prior], base.table[prior])
    assert counts.same.sum() > 0


def test_agreement_counts_pairs_and_people() -> None:
    # Persons a (3 reports, one lost) and b (2 reports, one of a's among them).
    found = agreement(["x", "x", "y", "y", "y"], ["a", "a", "a", "b", "b"])
    assert found.precision.value == pytest.approx(2 / 4)
    assert found.recall.value == pytest.approx(2 / 4)
    assert found.exact.value == 0
    perfect = agreement([1, 1, 2], ["a", "a", "b"])
    assert (perfect.f1.value, perfect.precision.value, perfect.exact.value) == (1, 1, 1)


def test_intervals_hold_the_figure_and_narrow_with_more_people() -> None:
    draw = random.Random(3)

    def width(people: int) -> float:
        truth = [person for person in range(people) for _ in range(3)]
        found = [person if draw.random() < 0.9 else -index for index, person in enumerate(truth)]
        one = agreement(found, truth).f1
        assert one.low <= one.value <= one.high
        return one.high - one.low

    assert width(1_000) < width(50) / 2


def test_pairs_at_their_best_threshold() -> None:
    f1, precision, recall, threshold = pair_agreement([5.0, 4.0, 3.0, 3.0, 1.0], [True, True, False, True, False], 4)
    assert (precision, recall, threshold) == (3 / 4, 3 / 4, 3.0)
    assert f1 == pytest.approx(3 / 4)
    assert pair_agreement([], [], 3) == (0, 0, 0, 0)


def test_reliability_compares_what_was_promised_with_what_was_right() -> None:
    rows = reliability({"a": 0.95, "b": 0.99, "c": 0.31}, {"a": True, "b": False, "c": True})
    assert rows == [(0.31, 1.0, 1), (pytest.approx(0.97), 0.5, 2)]


def test_an_explanation_adds_up_and_names_what_would_have_split() -> None:
    weights = load_weights()
    first = of_row({"agency": "CAD", "agency_record_no": "c", "event_time": "2026-05-01T02:00:00Z", "cad_no": "26-1001", "sex": "M"})
    second = of_row({"agency": "EMS", "agency_record_no": "e", "event_time": "2026-05-01T02:08:00Z", "cad_no": "26-1001", "sex": "M"})
    matched = match([first, second], weights)
    told = explain(matched, second.key)
    assert told.reports == (first.key, second.key)
    [only] = told.edges
    assert told.strongest == told.weakest == only == edge(second, first, weights)
    assert sum(one.bits for one in only.evidence) == pytest.approx(only.bits)
    assert {one.field for one in only.evidence} >= {"cad", "time", "sex"}
    assert told.tie == pytest.approx(only.bits)
    # One field would do; the number of the call is another.
    assert len(told.splits) == 1
    other = of_row({"agency": "EMS", "agency_record_no": "e", "event_time": "2026-05-01T02:08:00Z", "cad_no": "26-1002", "sex": "M"})
    assert edge(first, other, weights).bits < weights.join / SCALE


def test_a_report_alone_has_no_edges() -> None:
    alone = of_row({"agency": "ED", "agency_record_no": "d", "event_time": "2026-05-01T02:00:00Z"})
    told = explain(match([alone], load_weights()), alone.key)
    assert (told.edges, told.strongest, told.loosest, told.splits, told.outside) == ((), None, None, (), None)
    with pytest.raises(KeyError):
        explain(match([alone], load_weights()), UUID(int=5))


def test_figures_of_pairs_have_intervals_around_them() -> None:
    # Ten people with two reports each; nine pairs are found, and one that is of two people.
    truth = [number // 2 for number in range(20)]
    first, second = [*range(0, 18, 2), 0], [*range(1, 19, 2), 2]
    precision, recall, f1 = pair_figures(first, second, truth)
    assert (precision.value, recall.value, f1.value) == pytest.approx((0.9, 0.9, 0.9))
    assert all(one.low < one.value < one.high <= 1 for one in (precision, recall, f1))
    assert pair_figures([], [], truth)[1].value == 0


def test_a_kind_that_was_never_seen_to_report_a_person_twice_is_believed_the_more_the_more_pairs_were_seen() -> None:
    base, counts = load_weights(NEUTRAL), Counts.none()
    place = OFFSETS[0] + FIELDS[0].contexts.index("fire|fire") * len(FIELDS[0].levels)
    priors = []
    for seen in (0, 300, 30_000):
        counts.different[place] = seen
        priors.append(bits(learn(counts, base, name="t", origin=""), "prior", "fire|fire", "pair"))
    assert priors[0] == bits(base, "prior", "fire|fire", "pair")
    assert priors[0] > priors[1] > priors[2] >= -30


def test_weights_from_before_two_agencies_were_told_apart_weigh_them_as_one() -> None:
    document = json.loads(load_weights(NEUTRAL).to_json())
    document["fields"]["prior"] = {"cad|cad": {"pair": -8.0}, "cad|ems": {"pair": -3.0}}
    old = Weights.parse(json.dumps(document))
    assert bits(old, "prior", "cad|cad", "two_agencies") == -8.0
    assert bits(old, "prior", "cad|ems", "two_agencies") == 0.0


def _rises_from_mode(weights: Weights) -> int:
    """The most hundredths of a bit by which a time difference says more than one nearer to the heaviest."""
    field, offset = next((one, start) for one, start in zip(FIELDS, OFFSETS, strict=True) if one.name == "time")
    rises = []
    for row in weights.table[offset : offset + field.size].reshape(len(field.contexts), len(field.levels)):
        mode = int(row.argmax())
        rises += [int(np.diff(side).max(initial=0)) for side in (row[mode:], row[mode::-1])]
    return max(rises)


@pytest.mark.parametrize("name", [LEARNT, NEUTRAL])
def test_no_time_difference_says_more_than_one_nearer_to_the_usual(name: str) -> None:
    assert _rises_from_mode(load_weights(name)) == 0


def test_few_far_pairs_teach_no_peak_of_their_own() -> None:
    field, offset = next((one, start) for one, start in zip(FIELDS, OFFSETS, strict=True) if one.name == "time")
    counts = Counts.none()
    row = slice(
        offset + field.contexts.index("cad|ed") * len(field.levels), offset + (1 + field.contexts.index("cad|ed")) * len(field.levels)
    )
    levels = np.arange(len(field.levels))
    counts.same[row] = np.round(4_000 * np.exp(-(((levels - field.levels.index("40..45")) / 3) ** 2)))
    counts.different[row] = 2_000
    counts.different[row][-8:], counts.same[row][-8:] = 1, 1  # hours later hardly any pair is compared
    learnt = learn(counts, load_weights(NEUTRAL), name="x", origin="test")
    told = [bits(learnt, "time", "cad|ed", level) for level in field.levels]
    assert max(told) == bits(learnt, "time", "cad|ed", "40..45")
    assert told[-8:] == sorted(told[-8:], reverse=True)
    assert told[-1] < -3

"""Confidence promises what is right, on draws that it was not fitted to; weights that know no signs promise as they always did."""

import importlib
import json
import random
from pathlib import Path
from types import ModuleType
from uuid import UUID

import numpy as np
import pytest

from spikewatch.enrichment.adapters.matching_weights import LEARNT, NEUTRAL, load_weights
from spikewatch.enrichment.domain.matching.codes import DISPOSITIONS, KIND_CODE, OUTCOMES
from spikewatch.enrichment.domain.matching.columns import Columns
from spikewatch.enrichment.domain.matching.confidence import NO_SIGNS, SIGNS, Calibration, Confidence, signs_of
from spikewatch.enrichment.domain.matching.decided import NOTHING
from spikewatch.enrichment.domain.matching.evaluation import reliability
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.domain.matching.records import Compared, of_row
from spikewatch.enrichment.domain.matching.weights import Weights, WrongWeights

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
CAD, EMS, FIRE, POLICE, ED, ME = (KIND_CODE[kind] for kind in ("cad", "ems", "fire", "police", "ed", "me"))
FATAL = OUTCOMES.index("fatal")
TRANSPORTED = DISPOSITIONS.index("transported")
PLAIN = Confidence(Calibration((0,), (0.5, 0.9)), (Calibration((), (0.6,)), Calibration((), (0.8,)), Calibration((), (0.9,))))


@pytest.fixture(scope="module")
def draws() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        return importlib.import_module("matching_confidence")


@pytest.mark.parametrize(("mix", "most"), [("missing", 0.075), ("coarse", 0.06), ("scenes", 0.04)])
def test_where_little_is_stated_less_is_promised(draws: ModuleType, mix: str, most: float) -> None:
    told = draws.observed(draws.drawn(mix, 2_500, 89_000), load_weights(), adapts=True)
    rows = reliability(dict(enumerate(one.promised for one in told)), dict(enumerate(one.right for one in told)))
    assert sum(abs(claimed - hit) * count for claimed, hit, count in rows) / len(told) < most


@pytest.mark.parametrize("seed", range(3))
def test_confidence_is_the_same_in_any_order_and_beside_strangers(draws: ModuleType, seed: int) -> None:
    records = [of_row(row) for row in draws.drawn("scenes", 120, 90_000 + seed)]
    far = [of_row(row) for row in draws.drawn("elsewhere", 60, 91_000 + seed)]
    # As in the service, where what is not stated otherwise tells the county.
    near, far = ([one._replace(region=region) for one in some] for region, some in (("06075", records), ("39035", far)))
    alone = match(near, load_weights(), bounded=False).assignments()
    shuffled = [*far, *near]
    random.Random(seed).shuffle(shuffled)
    both = match(shuffled, load_weights(), bounded=False).assignments()
    assert {key: both[key] for key in alone} == alone


@pytest.mark.parametrize("name", [LEARNT, NEUTRAL])
@pytest.mark.parametrize("adapts", [True, False])
def test_what_is_promised_is_right_on_draws_it_was_not_fitted_to(draws: ModuleType, name: str, *, adapts: bool) -> None:
    told = [
        one
        for seed, mix in enumerate(("default", "hard", "shifted", "default+elsewhere"))
        for one in draws.observed(draws.drawn(mix, 1_500, 88_000 + seed), load_weights(name), adapts=adapts)
    ]
    right = dict(enumerate(one.right for one in told))

    def gaps(promised: list[float]) -> list[tuple[float, int]]:
        return [(abs(claimed - hit), count) for claimed, hit, count in reliability(dict(enumerate(promised)), right)]

    now, by_ties = gaps([one.promised for one in told]), gaps([one.by_ties for one in told])
    assert all(gap < 0.04 for gap, count in now if count >= 300)
    assert all(gap < 0.08 for gap, count in now if count >= 100), "a hundred overdoses tell a share to a twentieth"
    mean, before = (sum(gap * count for gap, count in one) / len(told) for one in (now, by_ties))
    assert mean < 0.015
    assert mean < before / 2, "signs promise better than ties alone"


def test_a_lone_report_of_the_police_promises_less_than_one_of_a_hospital() -> None:
    sure = {}
    stated = {"age": "40", "sex": "F"}
    for name, agency, told in (("Police", "Police", stated), ("Hospital", "Hospital", stated), ("blank", "Hospital", {})):
        row = {"agency": agency, "agency_record_no": "1", "event_time": "2026-05-01T10:00:00Z", "lat": "40", "lon": "-79"} | told
        [only] = match([of_row(row)], load_weights()).assignments().values()
        sure[name] = only.confidence
    assert sure["Police"] < 0.2
    assert 0.7 < sure["Hospital"] < 0.85
    assert sure["blank"] < 0.4, "a hospital's report that tells neither age nor sex is easily missed by what others told"


def told(*people: list[dict[str, object]], one_incident: bool = False, outside: int = NOTHING) -> list[set[str]]:
    """Return the signs of people by their reports."""
    records = [
        Compared(UUID(int=number), (0.0, ""), 0.0, **{"is_rough": False, "agency": "A"} | report)  # type: ignore[arg-type]
        for number, report in enumerate(report for reports in people for report in reports)
    ]
    begin = np.cumsum([0, *(len(reports) for reports in people)])[:-1]
    person = np.repeat(begin, [len(reports) for reports in people])
    found = signs_of(Columns.of(records), person, np.full(len(person), outside), np.zeros_like(person) if one_incident else person)
    return [{name for place, name in enumerate(SIGNS) if found[first] >> place & 1} for first in begin.tolist()]


def a(kind: int, **stated: object) -> dict[str, object]:
    """Return a report that leaves nothing blank but what is given otherwise."""
    return {
        "kind": kind,
        "age_low": 40,
        "age_high": 40,
        "sex": 1,
        "place_class": 1,
        "lat": 40.0,
        "lon": -79.0,
        "hospital": "MERCY",
    } | stated


def test_signs_are_kinds_a_transport_nobody_received_and_company() -> None:
    taken = {"disposition": TRANSPORTED}
    assert told([a(CAD), a(EMS, **taken)], [a(POLICE)], one_incident=True) == [
        {"cad", "ems", "transported", "company"},
        {"police", "company", "cad_beside", "ems_beside"},
    ]
    assert told([a(EMS, **taken), a(ED)], [a(EMS)]) == [{"ems", "ed"}, {"ems"}], "the hospital reported; two incidents keep no company"
    assert told([a(POLICE, **taken)]) == [{"police"}], "only an ambulance's word counts"
    two = [a(EMS, **taken), a(EMS)]
    assert told(two) == told(two[::-1]) == [{"ems", "ems_twice", "transported"}]
    assert told([a(EMS, hospital="", **taken)]) == [{"ems", "transported", "no_destination"}]


def test_signs_are_what_is_left_blank_and_how_much_stands_around() -> None:
    assert told([a(ED, age_low=-1, age_high=-1, sex=0)], [a(ED)]) == [{"ed", "ed_ageless", "ed_sexless"}, {"ed"}]
    assert told([a(EMS, place_class=4)]) == told([a(EMS, place_class=0)]) == [{"ems", "ems_vague"}]
    assert told([a(EMS, place_class=3)]) == [{"ems"}]
    assert told([a(FIRE, cad="F1", age_low=-1, age_high=-1)]) == [{"fire", "numbered"}]
    assert told([a(POLICE, is_rough=True, outcome=FATAL)], [a(POLICE, outcome=FATAL), a(ME, outcome=FATAL)]) == [
        {"police", "dated", "no_examiner"},
        {"police", "me"},
    ]
    assert [("four" in one, "five" in one) for one in told(*([a(CAD)] * count for count in (3, 4, 6)))] == [
        (False, False),
        (True, False),
        (True, True),
    ]
    assert ["crowd" in one for one in told([a(EMS)], [a(EMS)], [a(EMS)], one_incident=True)] == [True] * 3
    near = ("rival", "near_rival", "close_rival")
    assert [[name for name in near if name in told([a(EMS)], outside=fit)[0]] for fit in (NOTHING, -900, -300, 0)] == [
        [],
        ["rival"],
        ["rival", "near_rival"],
        [*near],
    ]
    assert signs_of(Columns.of([]), *(np.zeros(0, dtype=np.int64),) * 3).tolist() == []


def test_without_signs_and_map_ties_alone_promise() -> None:
    assert PLAIN.of(1, 0, 0, 1 << POLICE) == 0.6
    assert PLAIN.of(2, -1, 0) == 0.4
    assert PLAIN.of(7, 5, 0, 511) == 0.81


def test_signs_are_bits_of_the_odds_and_the_map_is_linear_between_its_knots() -> None:
    bits = tuple(1.0 if name == "ed" else -2.0 if name == "police" else 0.0 for name in SIGNS)
    signed = Confidence(PLAIN.together, PLAIN.complete, (bits,) * 3)
    assert signed.of(1, 0, 0, NO_SIGNS) == 0.6
    assert signed.of(1, 0, 0, 1 << ED) == 0.75
    assert signed.of(1, 0, 0, 1 << POLICE) == pytest.approx(0.375 / 1.375, abs=1e-4)
    mapped = Confidence(PLAIN.together, PLAIN.complete, promised=((0.4, 0.2), (0.8, 0.9)))
    assert mapped.of(1, 0, 0) == pytest.approx(0.55)
    assert mapped.of(2, -1, 0) == 0.2
    promised = [Confidence(PLAIN.together, (Calibration((), (share / 100,)),) * 3, (), mapped.promised).of(1, 0, 0) for share in range(101)]
    assert promised == sorted(promised)
    assert (promised[0], promised[100]) == (0, 1)


def test_signs_and_map_come_back_and_two_that_promise_otherwise_are_told_apart() -> None:
    shipped = load_weights()
    document = json.loads(shipped.to_json())
    assert Weights.parse(shipped.to_json()).confidence == shipped.confidence
    without = {**document, "confidence": {name: document["confidence"][name] for name in ("together", "complete")}}
    old = Weights.parse(json.dumps(without))
    assert (old.confidence.signs, old.confidence.promised) == ((), ())
    assert json.loads(old.to_json())["confidence"] == without["confidence"]
    moved = document["confidence"] | {"promised": [[0.5, 0.4]]}
    assert len({old.label, shipped.label, Weights.parse(json.dumps({**document, "confidence": moved})).label}) == 3


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"signs": {}}, "confidence.signs must be three"),
        ({"signs": [{}, {}]}, "confidence.signs must be three"),
        ({"signs": [{}, {}, {"siren": 1}]}, "'siren' is no sign"),
        ({"signs": [{}, {}, {"ed": True}]}, "confidence.signs.ed"),
        ({"promised": []}, "confidence.promised must be a list"),
        ({"promised": [[0.5]]}, "confidence.promised must be a list"),
        ({"promised": [[0.5, 2]]}, "confidence.promised must be a list"),
        ({"promised": [[0.5, 0.6], [0.4, 0.7]]}, "confidence.promised must grow"),
        ({"promised": [[0.4, 0.7], [0.5, 0.6]]}, "confidence.promised must grow"),
        ({"colour": 1}, "'colour' is none of"),
    ],
)
def test_a_wrong_confidence_is_refused_with_its_place(change: dict[str, object], where: str) -> None:
    document = json.loads(load_weights(NEUTRAL).to_json())
    document["confidence"] |= change
    with pytest.raises(WrongWeights, match=where):
        Weights.parse(json.dumps(document))

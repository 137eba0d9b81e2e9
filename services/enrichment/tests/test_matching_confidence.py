"""Confidence promises what is right, on draws that it was not fitted to; weights that know no signs promise as they always did."""

import importlib
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from spikewatch.enrichment.adapters.matching_weights import LEARNT, NEUTRAL, load_weights
from spikewatch.enrichment.domain.matching.codes import DISPOSITIONS, KIND_CODE
from spikewatch.enrichment.domain.matching.confidence import NO_SIGNS, SIGNS, Calibration, Confidence, signs_of
from spikewatch.enrichment.domain.matching.evaluation import reliability
from spikewatch.enrichment.domain.matching.matcher import match
from spikewatch.enrichment.domain.matching.records import of_row
from spikewatch.enrichment.domain.matching.weights import Weights, WrongWeights

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
CAD, EMS, POLICE, ED = (KIND_CODE[kind] for kind in ("cad", "ems", "police", "ed"))
TRANSPORTED = DISPOSITIONS.index("transported")
PLAIN = Confidence(Calibration((0,), (0.5, 0.9)), (Calibration((), (0.6,)), Calibration((), (0.8,)), Calibration((), (0.9,))))


@pytest.fixture(scope="module")
def draws() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        return importlib.import_module("matching_confidence")


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
    for agency in ("Police", "Hospital"):
        row = {"agency": agency, "agency_record_no": "1", "event_time": "2026-05-01T10:00:00Z", "lat": "40", "lon": "-79"}
        [only] = match([of_row(row)], load_weights()).assignments().values()
        sure[agency] = only.confidence
    assert sure["Police"] < 0.2
    assert 0.7 < sure["Hospital"] < 0.85


def test_signs_are_kinds_a_transport_nobody_received_and_company() -> None:
    def told(*people: list[tuple[int, int]], one_incident: bool = False) -> list[set[str]]:
        rows = [(kind, disposition, number) for number, reports in enumerate(people) for kind, disposition in reports]
        kinds, dispositions, person = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
        found = signs_of(kinds, dispositions, person, np.zeros_like(person) if one_incident else person)
        return [{name for place, name in enumerate(SIGNS) if found[number] >> place & 1} for number in range(len(people))]

    assert told([(CAD, 0), (EMS, TRANSPORTED)], [(POLICE, 0)], one_incident=True) == [
        {"cad", "ems", "transported", "company"},
        {"police", "company"},
    ]
    assert told([(EMS, TRANSPORTED), (ED, 0)], [(EMS, 0)]) == [{"ems", "ed"}, {"ems"}], (
        "the hospital reported; two incidents keep no company"
    )
    assert told([(POLICE, TRANSPORTED)]) == [{"police"}], "only an ambulance's word counts"
    assert told([(EMS, TRANSPORTED), (EMS, 0)]) == told([(EMS, 0), (EMS, TRANSPORTED)]) == [{"ems", "transported"}]


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

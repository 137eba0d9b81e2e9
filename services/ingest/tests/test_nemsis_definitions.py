"""Which case definitions a patient care report meets, and what becomes of the public samples."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from spikewatch_testing.nemsis_reports import EXAMPLE, NIL, SOURCE, codes, negated, reading, records

from spikewatch.contracts.vocabulary import (
    Disposition,
    Outcome,
    Sex,
    TimeBasis,
)
from spikewatch.ingest.domain.feeds.feed import NotAnOverdose, Reading
from spikewatch.ingest.domain.feeds.nemsis import FEED
from spikewatch.ingest.terminology import classifier

CLASSIFIER = classifier()


# --- case definitions


def hits(**options: Any) -> set[str]:
    found = CLASSIFIER.classify(reading(**options), SOURCE)
    return {hit.partition("@")[0] for hit in found.report.case_definition_hits} if isinstance(found, Reading) else set()


OPIOID = {"opioid", "nemsis-opioid-anchored", "nemsis-opioid-official"}
NOT_NAMED = {"eSituation_11": NIL, "eProtocols_01": NIL, "eHistory_17": NIL, "eDispatch_01": "2301051", "eDispatch_03": "26A1"}


def test_an_opioid_impression_meets_the_opioid_definitions() -> None:
    assert hits(medications=[]) >= OPIOID | {"heroin", "any-drug", "suspected-overdose"}


@pytest.mark.parametrize("code", ["T40.2X5A", "T40.411D", "T40.3X6A"])
def test_adverse_effects_meet_the_official_definition_only_as_published(code: str) -> None:
    met = hits(medications=[], eSituation_11=code)
    assert "nemsis-opioid-official" in met
    assert "nemsis-opioid-anchored" not in met


def test_naloxone_with_improvement_meets_them_without_any_code() -> None:
    assert hits(**NOT_NAMED) >= OPIOID
    by_police = EXAMPLE.medication(before=EXAMPLE.YES, by="9905047")
    assert hits(medications=[by_police], **NOT_NAMED) >= OPIOID


def test_negated_naloxone_meets_the_official_one_only_as_published() -> None:
    met = hits(medications=[EXAMPLE.medication(negated("7242", "8801019"))], **NOT_NAMED)
    assert not met & {"opioid", "nemsis-opioid-anchored"}


def test_a_chest_pain_is_no_overdose() -> None:
    assert hits(medications=[], **NOT_NAMED | {"eSituation_11": "I21.9", "eSituation_04": "Chest pain"}) == set()


# --- the public samples


@pytest.fixture
def nemsis_folder() -> Path:
    """The public samples, where they are present beside the repository; they are never part of it."""
    root = Path(__file__).parents[3]
    path = Path(os.environ.get("SPIKEWATCH_NEMSIS", str(root.parent / "shared" / "data" / "nemsis")))
    if not path.is_dir():
        pytest.skip("the public NEMSIS samples are not here; set SPIKEWATCH_NEMSIS to their folder")
    return path


@pytest.fixture
def sample(nemsis_folder: Path) -> Callable[[str], bytes]:
    return lambda name: (nemsis_folder / "samples" / name).read_bytes()


def _all(body: bytes) -> Iterator[Reading | NotAnOverdose]:
    for record in records(body):
        assert record.rejected is None
        yield FEED.read(record.fields, SOURCE)


def test_every_public_sample_is_read(nemsis_folder: Path) -> None:
    counts = {path.name: len(list(_all(path.read_bytes()))) for path in sorted((nemsis_folder / "samples").glob("*.xml"))}
    assert len(counts) == 10
    assert set(counts.values()) == {1}


def test_five_of_the_ten_public_samples_become_reports(nemsis_folder: Path) -> None:
    found = [one for path in sorted((nemsis_folder / "samples").glob("*.xml")) for one in _all(path.read_bytes())]
    classified = [CLASSIFIER.classify(one, SOURCE) for one in found if isinstance(one, Reading)]
    assert sum(isinstance(one, Reading) for one in classified) == 5


@pytest.mark.parametrize("name", ["full_2025-EMS-1-Overdose_v351.xml", "national_2025-EMS-1-Overdose_v351.xml"])
def test_the_official_overdose_sample(sample: Callable[[str], bytes], name: str) -> None:
    [found] = _all(sample(name))
    assert isinstance(found, Reading)
    report = found.report
    assert report.occurred_at == datetime(2024, 10, 8, 0, 20, tzinfo=UTC)
    assert (report.victims.age, report.victims.sex, report.outcome) == (45, Sex.FEMALE, Outcome.NONFATAL)
    assert (report.disposition, report.location.county_fips) == (Disposition.TREATMENT, "09001")
    assert (codes(found, "eSituation.11"), codes(found, "eSituation.12"), codes(found, "eDispatch.01")) == (
        ["F19"],
        ["F10.92"],
        ["2301097"],
    )
    assert codes(found, "eDisposition.21") == ["4221039"]
    assert found.found.facts == {"emergency_response", "drug_use_indicated", "overdose_protocol"}
    assert "Howell" not in report.to_json().decode()
    classified = CLASSIFIER.classify(found, SOURCE)
    assert isinstance(classified, Reading)
    met = {hit.partition("@")[0] for hit in classified.report.case_definition_hits}
    assert met & {"any-drug", "suspected-overdose"} == {"any-drug", "suspected-overdose"}
    assert not met & {"opioid", "heroin", "fentanyl", "nemsis-opioid-official", "nemsis-opioid-anchored", "cste-like-ems-opioid"}


def test_the_sample_of_pertinent_negatives(sample: Callable[[str], bytes]) -> None:
    [found] = _all(sample("EMSDataset-PNs-1.xml"))
    assert isinstance(found, Reading)
    assert (codes(found, "eSituation.10"), codes(found, "eMedications.03")) == ([], [])


def test_the_sample_of_nil_values(sample: Callable[[str], bytes]) -> None:
    [found] = _all(sample("EMSDataset-Nils-1.xml"))
    assert isinstance(found, Reading)
    assert found.report.occurred_at_basis is TimeBasis.DISPATCH
    assert (found.report.outcome, found.report.disposition) == (Outcome.UNKNOWN, Disposition.UNKNOWN)
    assert {code.role for code in found.found.codes} == {"eDispatch.01", "eResponse.05"}

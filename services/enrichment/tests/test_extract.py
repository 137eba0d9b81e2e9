"""What fills an overdose, as it is kept: read again it is what it was, for every report that can be."""

import json
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from spikewatch.contracts.incident import ReportReference
from spikewatch.contracts.report import Drug, LocatedReport, Position, Report, Reversal, Victims
from spikewatch.contracts.vocabulary import (
    AgeBand,
    Disposition,
    DrugBasis,
    DrugClass,
    Outcome,
    PlacePrecision,
    ReversalGiver,
    Sex,
    SourceType,
    TimeBasis,
    TimePrecision,
    YesNo,
)
from spikewatch.enrichment.domain.candidate import Candidate
from spikewatch.enrichment.domain.extract import Extract
from spikewatch.enrichment.domain.matching.address import stated

WORDS = st.text(max_size=12)
MAYBE = st.none() | WORDS
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=-7)), timezone(timedelta(hours=5, minutes=30))])
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=ZONES)  # noqa: DTZ001  # the zone is drawn
FRACTIONS = st.floats(0, 1)
NUMBERS = st.floats(0, 1e6) | st.integers(0, 9)
DRUGS = st.builds(Drug, term=WORDS, code=MAYBE, system=MAYBE, drug_class=st.sampled_from(DrugClass), basis=st.sampled_from(DrugBasis))
POSITIONS = st.builds(
    Position,
    lat=st.floats(-90, 90),
    lon=st.floats(-180, 180) | st.integers(-180, 180),
    precision=st.sampled_from(PlacePrecision),
    radius_m=NUMBERS,
    method=WORDS,
    confidence=st.none() | FRACTIONS,
    reasons=st.lists(WORDS, max_size=2),
    candidates=st.none() | st.integers(0, 9),
    vintage=MAYBE,
)
REVERSALS = st.builds(
    Reversal,
    given=st.sampled_from(YesNo),
    drug=MAYBE,
    doses=st.none() | st.integers(0, 99),
    dose_amount=st.none() | NUMBERS,
    unit=MAYBE,
    route=MAYBE,
    by=st.sampled_from(ReversalGiver),
    before_ems=st.sampled_from(YesNo),
    response=MAYBE,
)
VICTIMS = st.builds(
    Victims,
    count=st.none() | st.integers(1, 500),
    age=st.none() | st.integers(0, 89),
    age_band=st.none() | st.sampled_from(AgeBand),
    sex=st.sampled_from(Sex),
)
REPORTS = st.builds(
    Report,
    report_id=st.uuids(),
    report_key=st.uuids(),
    revision=st.integers(1, 3),
    received_at=MOMENTS,
    source_agency_id=st.sampled_from(["cedar-ems", "alder-911"]),
    source_record_id=WORDS,
    source_type=st.sampled_from(SourceType),
    occurred_at=MOMENTS,
    occurred_at_basis=st.sampled_from(TimeBasis),
    occurred_at_precision=st.sampled_from(TimePrecision),
    location=st.fixed_dictionaries({}, optional={"address": WORDS, "intersection": WORDS, "zip5": st.from_regex(r"\A[0-9]{5}\Z")}),
    outcome=st.sampled_from(Outcome),
    drugs=st.lists(DRUGS, max_size=2),
    reversal=REVERSALS,
    victims=VICTIMS,
    disposition=st.sampled_from(Disposition),
    destination=MAYBE,
    cad_number=MAYBE,
    case_definition_hits=st.lists(WORDS, max_size=2),
    submission_id=st.uuids(),
    submission_format=WORDS,
    trace_id=st.none() | st.just("0af7651916cd43dd8448eb211c80319c"),
)
LOCATED = st.builds(
    LocatedReport,
    report=REPORTS,
    position=st.none() | POSITIONS,
    areas=st.lists(st.sampled_from(["county:42091", "zip:19401"]), max_size=2),
    place_key=WORDS,
    geodata_version=st.integers(0, 10**9),
)


@given(LOCATED)
@settings(max_examples=100, deadline=None)
def test_what_is_kept_of_any_report_is_read_again_as_it_was(located: LocatedReport) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the writer warns of a value of another type than it expects
        one = Candidate.of(located)
        again = Candidate.kept(one.key, (located.report.revision, located.geodata_version), one.compared, one.content)
    assert again.record == one.record
    assert (again.blocks, again.probes, again.spots) == (one.blocks, one.probes, one.spots)
    assert again.extract == one.extract == Extract.of(located)
    assert again.extract.occurred_at.tzinfo is UTC
    assert again.extract.received_at.tzinfo is UTC
    for part in (again.extract.reference, again.extract.reversal, again.extract.victims, again.extract.position, *again.extract.drugs):
        # As the wire would have it, and the words are words of the vocabulary and not only equal to them.
        assert part is None or repr(type(part).model_validate_json(part.to_json())) == repr(part)
    assert ReportReference.model_validate(again.extract.reference.model_dump()) == one.extract.reference


def test_what_is_kept_is_laid_out_as_its_format_says(located: Callable[..., Any]) -> None:
    """Whoever changes what is written here raises FORMAT, also where a contract grew by a field."""
    report = located("1", age=30, cad_number="26-1001", location={"address": "2071 Innes Ave # 4", "county_fips": "99001"})
    one = Candidate.of(report.changed(position=Position(lat=40.5, lon=-79.5, precision="point", radius_m=100, method="reported")))
    assert json.loads(one.compared) == [
        *(1777636800.0, False, 1, "cedar-ems", "99001", 40.5, -79.5, 1, 30, 30, False, 0, 0, 0, 0, 0, -1, -1),
        *("", "", "261001", 2071, "4", "INNES:20"),
    ]
    assert json.loads(one.content) == [
        *(str(report.report.report_id), "ems", "00000000-0000-0000-0000-000000000001", None),
        *("2026-05-01T12:00:00Z", "second", "2026-05-02T12:00:00Z"),
        [40.5, -79.5, "point", 100.0, "reported", None, [], None, None],
        ["state:99", "county:99001"],
        "unknown",
        [],
        ["unknown", None, None, None, None, None, "unknown", "unknown", None],
        [None, 30, None, "unknown"],
        "unknown",
        [],
    ]


@given(
    st.from_regex(
        r"\A[0-9]{1,4}[A-F]?(-| )((BLOCK|BLK) )?(OF )?(N |SW )?(OAK|24TH|MAIN)( ST)?( (APT|#|UNIT|RM|STE|SUITE) ?[0-9]?[A-D]?)?\Z"
    )
)
@settings(max_examples=100, deadline=None)
def test_an_address_says_the_same_in_capitals_and_in_small_letters(text: str) -> None:
    assert stated(text) == stated(text.lower()) == stated(text.title())
    assert stated(text)[2]

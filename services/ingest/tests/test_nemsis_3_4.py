"""NEMSIS v3.4 files: the same namespace, and one element for what became of the call."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from spikewatch.contracts.vocabulary import Disposition, Outcome, SourceType
from spikewatch.ingest.domain.feeds import nemsis
from spikewatch.ingest.domain.feeds.feed import NotAnOverdose, Reading, Source

SOURCE = Source("county-ems", SourceType.EMS, datetime(2026, 5, 1, tzinfo=UTC), UUID(int=1), "nemsis")
IMPRESSION = "<eSituation><eSituation.11>T40.1X1A</eSituation.11></eSituation>"
NO_IMPRESSION = '<eSituation><eSituation.11 xsi:nil="true" NV="7701001"/></eSituation>'


def read(disposition: str, situation: str = IMPRESSION) -> Reading | NotAnOverdose:
    body = (
        '<EMSDataSet xmlns="http://www.nemsis.org" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><Header>'
        '<PatientCareReport UUID="26a00000-0000-4000-8000-000000000001">'
        f"<eTimes><eTimes.01>2026-04-02T18:07:01-04:00</eTimes.01></eTimes>{situation}"
        f"<eDisposition><eDisposition.12>{disposition}</eDisposition.12></eDisposition></PatientCareReport></Header></EMSDataSet>"
    )
    [record] = nemsis.FEED.records(body.encode(), "application/xml", limit=1)
    return nemsis.FEED.read(record.fields, SOURCE)


@pytest.mark.parametrize(
    ("code", "outcome", "disposition"),
    [
        ("4212013", Outcome.FATAL, Disposition.DIED_ON_SCENE),
        ("4212019", Outcome.FATAL, Disposition.DIED_ON_SCENE),
        ("4212021", Outcome.NONFATAL, Disposition.RELEASED),
        ("4212023", Outcome.NONFATAL, Disposition.TRANSPORTED),
        ("4212025", Outcome.NONFATAL, Disposition.REFUSED),
        ("4212029", Outcome.NONFATAL, Disposition.RELEASED),
        ("4212031", Outcome.UNKNOWN, Disposition.UNKNOWN),
        ("4212033", Outcome.NONFATAL, Disposition.TRANSPORTED),
    ],
)
def test_what_became_of_the_person(code: str, outcome: Outcome, disposition: Disposition) -> None:
    found = read(code)
    assert isinstance(found, Reading)
    assert (found.report.outcome, found.report.disposition) == (outcome, disposition)


@pytest.mark.parametrize("code", ["4212007", "4212009", "4212011", "4212039"])
def test_a_call_without_a_patient_takes_back_an_earlier_report(code: str) -> None:
    found = read(code, NO_IMPRESSION)
    assert isinstance(found, NotAnOverdose)
    assert found.report is not None
    assert isinstance(read(code), Reading)  # an impression is of somebody

"""The shipped layouts of medical examiners as portals export them, as interfaces answer, and as other years had them."""

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import pytest

from spikewatch.contracts.report import Report
from spikewatch.contracts.vocabulary import Outcome, SourceType, TimeBasis, TimePrecision
from spikewatch.ingest.domain.feeds.feed import Feed, NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.feeds.medical_examiner import FEEDS
from spikewatch.ingest.domain.rejection import Rejected

BY_NAME: Mapping[str, Feed] = {feed.name: feed for feed in FEEDS}
SOURCE = Source("office", SourceType.ME, datetime(2026, 6, 1, tzinfo=UTC), UUID(int=1), "x", time_zone="America/New_York")
CT_2018 = (
    "ID,Date,DateType,Age,Sex,Race,ResidenceCity,DeathCity,DeathCounty,InjuryPlace,InjuryCity,InjuryCounty,InjuryState,COD,OtherSignifican,"
    "Heroin,Fentanyl,Fentanyl_Analogue,Tramad,Morphine_NotHeroin,AnyOpioid,MannerofDeath\n"
    "13-0102,03/21/2018 12:00:00 AM,DateofDeath,48,Male,Black,SPRINGFIELD,OAKVILLE,FAIRFIELD,Residence,OAKVILLE,FAIRFIELD,CT,"
    "Fentanyl Intoxication,,,Y,Y,,,Y,Accident\n"
    "14-0273,06/28/2014 12:00:00 AM,DateReported,,,,,,,,,,,Heroin Toxicity,,Y,,,,,,Accident\n"
)


def readings(name: str, body: str, media_type: str = "text/csv") -> list[Reading | NotAnOverdose]:
    feed = BY_NAME[name]
    return [feed.read(raw.fields, SOURCE) for raw in feed.records(io.BytesIO(body.encode()), media_type, limit=100)]


def reports(name: str, body: str, media_type: str = "text/csv") -> list[Report]:
    return [reading.report for reading in readings(name, body, media_type) if reading.report is not None]


def test_connecticut_without_blanks_in_the_headers() -> None:
    first, second = reports("me_connecticut", CT_2018)
    assert (first.occurred_at, first.occurred_at_basis) == (datetime(2018, 3, 21, 4, tzinfo=UTC), TimeBasis.DEATH)
    assert (first.location.city, first.location.county_fips, first.victims.age) == ("OAKVILLE", "09001", 48)
    assert second.occurred_at_basis is TimeBasis.REPORTED
    first_reading = readings("me_connecticut", CT_2018)[0]
    assert isinstance(first_reading, Reading)
    assert {named.name for named in first_reading.found.names} >= {"fentanyl", "fentanyl analogue"}
    assert any("Intoxication" in statement.text for statement in first_reading.found.statements)


def test_connecticut_as_the_interface_answers() -> None:
    row = {
        "date": "2021-05-29T00:00:00.000",
        "datetype": "Date of death",
        "age": "37",
        "sex": "Male",
        "residencecity": "SPRINGFIELD",
        "injurycity": "OAKVILLE",
        "injurystate": "CT",
        "injurycounty": "HARTFORD",
        "cod": "Acute Cocaine Intoxication",
        "cocaine": "Y",
        "mannerofdeath": "Accident",
    }
    (report,) = reports("me_connecticut", json.dumps([row]), "application/json")
    assert (report.occurred_at_basis, report.occurred_at_precision) == (TimeBasis.DEATH, TimePrecision.DATE)
    assert (report.location.city, report.location.county_fips) == ("OAKVILLE", "09003")


def test_cook_as_the_portal_exports_it() -> None:
    (report,) = reports(
        "me_cook",
        "Case Number,Date of Incident,Date of Death,Age,Gender,Manner of Death,Primary Cause,Opioid Related,Incident Address,Incident City,"
        "Incident Zip Code,longitude,latitude\n"
        "ME2026-00123,05/01/2026 12:00:00 AM,05/01/2026 02:03:00 PM,34,Male,ACCIDENT,FENTANYL TOXICITY,true,100 MAIN ST,SPRINGFIELD,"
        "60601,-87.6,41.8\n",
    )
    assert (report.source_record_id, report.outcome, report.location.zip5) == ("ME2026-00123", Outcome.FATAL, "60601")
    assert (report.occurred_at, report.occurred_at_precision) == (datetime(2026, 5, 1, 5, tzinfo=UTC), TimePrecision.DATE)


@pytest.mark.parametrize("name", list(BY_NAME))
@pytest.mark.parametrize(
    "header",
    [
        "CaseNumber,DeathDate,Age,Sex,Race,Manner,CAUSE,DeathCity,DeathZip",
        "Case Number,Death date,Manner of Death,Cause of Death,Age,Gender,Race,Resident City",
        "Date,Age,Sex,Race,Residence City,Death City,Cause",
    ],
)
def test_another_office_is_not_taken_for_one_of_them(name: str, header: str) -> None:
    with pytest.raises(Rejected):
        reports(name, f"{header}\n" + ",".join("1" for _ in header.split(",")) + "\n")

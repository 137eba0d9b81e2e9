"""Dates of exports that agencies have: databases, map servers, spreadsheets."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from spikewatch.contracts.vocabulary import TimePrecision
from spikewatch.ingest.domain.dates import FORMATS_SEEN, date_reader, example_of


@pytest.mark.parametrize("pattern", FORMATS_SEEN)
def test_every_form_reads_its_own_example(pattern: str) -> None:
    assert date_reader((pattern,))(example_of(pattern)) is not None


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("EPOCH", "1777658602"),
        ("EPOCH", "1777658602000"),
        ("YYYYMMDDHHmmssZ", "20260501140322EDT"),
        ("MM/DD/YYYY HH:mm:ss Z", "05/01/2026 11:03:22 PDT"),
        ("MM/DD/YYYY HH:mm:ss Z", "05/01/2026 14:03:22 -04:00"),
    ],
)
def test_moments(pattern: str, text: str) -> None:
    found = date_reader((pattern,))(text)
    assert found is not None
    assert found.at == datetime(2026, 5, 1, 18, 3, 22, tzinfo=UTC)
    assert found.precision is TimePrecision.SECOND


def test_standard_time_is_an_hour_from_daylight_saving() -> None:
    found = date_reader(("MM/DD/YYYY HH:mm Z",))("01/05/2026 14:03 CST")
    assert found is not None
    assert found.at == datetime(2026, 1, 5, 14, 3, tzinfo=timezone(timedelta(hours=-6)))


@pytest.mark.parametrize("text", ["177765860", "17776586020", "1777658602000000", "1777658602e3", "²777658602"])
def test_what_is_no_epoch(text: str) -> None:
    assert date_reader(("EPOCH",))(text) is None

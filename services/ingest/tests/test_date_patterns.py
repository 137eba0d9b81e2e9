"""The patterns by which a profile says how its dates are written."""

import pytest

from spikewatch.ingest.domain.dates import FORMATS_SEEN, FormatError, date_reader, example_of, time_of_day


@pytest.mark.parametrize("pattern", FORMATS_SEEN)
def test_every_known_form_reads_its_own_example(pattern: str) -> None:
    moment = date_reader((pattern,))(example_of(pattern))
    assert moment is not None
    assert (moment.at.month, moment.at.day) == (5, 1)


@pytest.mark.parametrize("pattern", ["", "QQ", "DD", "hh:mm", "YYYY", "YYYY-MM-DD hh:mm", "MM/DD/YYYY MM"])
def test_a_pattern_that_is_none_is_refused(pattern: str) -> None:
    with pytest.raises(FormatError):
        date_reader((pattern,))


def test_times_of_day() -> None:
    assert [
        str((time_of_day(text) or ("?",))[0])
        for text in ("9:05", "21:05:30", "12:10 am", "0.375", "930", "25:00", "noon", "2018-01-01 07:15:00")
    ] == [
        "09:05:00",
        "21:05:30",
        "00:10:00",
        "09:00:00",
        "09:30:00",
        "?",
        "?",
        "07:15:00",
    ]

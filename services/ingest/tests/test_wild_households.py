"""Places that are called after who lives there. All names are invented."""

import pytest

from spikewatch.ingest.domain.identifying import without_identifiers


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("ROE RESIDENCE", "[removed]"),
        ("Jane Roe residence, 100 Main St", "[removed], 100 Main St"),
        ("100 MAIN ST (ROE RESIDENCE)", "100 MAIN ST ([removed])"),
        ("100 MAIN ST - J. ROE RESIDENCE", "100 MAIN ST - [removed]"),
        ("Jane Roe's house", "[removed]"),
        ("100 Main St, Roe\u2019s apartment 4", "100 Main St, [removed] 4"),
    ],
)
def test_the_name_of_a_household_is_taken_out(text: str, left: str) -> None:
    assert without_identifiers(text) == (left, True)


@pytest.mark.parametrize(
    "text",
    [
        "PRIVATE RESIDENCE",
        "100 MAIN ST, PRIVATE RESIDENCE",
        "Residence Inn, 20 Mall Blvd",
        "Cedar Residence Hall",
        "Single family residence",
        "St. Mary's Hospital",
        "Wendy's, 300 Main St",
        "100 RESIDENCE PARK DR",
    ],
)
def test_what_kind_of_house_it_is_stays(text: str) -> None:
    assert without_identifiers(text) == (text, False)

"""One reading of a street's name for index and question: whatever way it is written, the same street has the same parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewatch.enrichment.domain.geocoding.street_name import read_street, shown
from spikewatch.enrichment.domain.geocoding.street_words import TYPES

SAME = [
    ("SOUTH VAN NESS AVENUE", "S VAN NESS AV"),
    ("BUENA VISTA AVE EAST", "BUENA VISTA EAST AVE"),
    ("05TH ST", "FIFTH STREET", "5 ST", "5TH STR"),
    ("TWENTY FIRST AVE", "21ST AV"),
    ("SAINT GERMAIN AVE", "ST GERMAIN AV"),
    ("FORT MASON RD", "FT MASON ROAD"),
    ("MOUNT VERNON PL", "MT VERNON PLACE"),
    ("STATE ROUTE 4", "SR 4", "OH 4", "STATE HWY 4", "ST RT 4", "STATE RD 4"),
    ("US HIGHWAY 40", "US 40", "U S 40", "US RTE 40", "US40"),
    ("INTERSTATE 75", "I 75", "I75"),
    ("COUNTY ROAD 12", "CO RD 12", "CR 12"),
    ("ROUTE 422", "RT422", "HWY 422", "RTE 422"),
    ("MARTIN LUTHER KING JR BLVD", "MLK BLVD", "M L KING BLVD", "DR MARTIN LUTHER KING BLVD", "MARTIN L KING JR BL"),
    ("THE EMBARCADERO", "EMBARCADERO"),
    ("AVENUE E", "AVE E"),
    ("NE 5TH ST", "N E 5TH ST", "NORTHEAST 5TH ST", "NORTH EAST 5TH ST"),
]


@pytest.mark.parametrize("ways", SAME, ids=lambda ways: ways[0])
def test_each_way_of_writing_a_name_has_the_same_parts(ways: tuple[str, ...]) -> None:
    assert len({read_street(way.split()) for way in ways}) == 1


DIFFERENT = [
    ("25TH ST", "25TH AVE"),
    ("N ST", "NORTH ST"),
    ("VAN NESS AVE", "SOUTH VAN NESS AVE"),
    ("AVENUE E", "AVENUE D"),
    ("ELM ST", "ELK ST"),
    ("I 75", "US 75"),
    ("STATE ST", "STATE ROUTE 4"),
    ("CO LINE RD", "COUNTY ROAD 12"),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_streets_stay_different(one: str, other: str) -> None:
    assert read_street(one.split()) != read_street(other.split())


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("E ST", ("E", "", "ST", "")),
        ("NORTH POINT ST", ("POINT", "N", "ST", "")),
        ("SOUTH PARK", ("PARK", "S", "", "")),
        ("NORTH ST", ("NORTH", "", "ST", "")),
        ("THE EMBARCADERO NOR", ("EMBARCADERO", "", "", "N")),
        ("COURT ST", ("COURT", "", "ST", "")),
        ("S 300 E", ("300", "S", "", "E")),
        ("E COUNTY ROAD 500 N", ("CR500", "E", "ROUTE", "N")),
    ],
)
def test_directions_and_types_are_told_from_names(written: str, parts: tuple[str, str, str, str]) -> None:
    name = read_street(written.split())
    assert name is not None
    assert (name.key, name.pre, name.type, name.post) == parts


def test_every_variant_of_a_type_is_read_as_its_normal_form() -> None:
    for variant, normal in TYPES.items():
        name = read_street(["MAPLE", variant])
        assert name is not None
        assert name.type == normal, variant
        again = read_street(shown(name).split())
        assert again == name


@given(st.lists(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=8), max_size=6))
def test_any_words_are_read_without_failing_and_keep_a_name(words: list[str]) -> None:
    name = read_street(words)
    assert (name is None) == (not words)
    if name is not None:
        assert name.key == name.words.replace(" ", "")
        assert name.key

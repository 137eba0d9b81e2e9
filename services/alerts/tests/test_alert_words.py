"""What an alert says and shows to a person."""

from xml.etree import ElementTree as ET

import pytest

from spikewatch.alerts.domain.alert_picture import picture
from spikewatch.alerts.domain.alert_text import paragraph
from spikewatch.alerts.domain.episodes import Episode
from spikewatch.alerts.domain.instants import HOUR
from spikewatch.alerts.domain.rules.criterion import Finding

EPISODE = Episode(10 * HOUR, 10 * HOUR, 10 * HOUR, 12)
SVG = "{http://www.w3.org/2000/svg}"


def test_a_paragraph_can_be_read_aloud(make):
    rule = make.rule(window_hours=72, tiers=({"name": "page", "at_least": 10},), drug_classes=("fentanyl",), sources=("ems",))
    told = paragraph("county:42091", rule, EPISODE, Finding(demand="at least 3", expected=4.6, probability=0.0002134))
    assert told == (
        "12 suspected overdoses with fentanyl, reported by ems, in county 42091 in the 3 days to 1970-01-01 10:00 UTC. "
        "About 4.6 would be expected, so it is 2.6 times as many. Chance alone brings so many in about one of 4,700 such windows. "
        "Rule fixed-count (version 1) asks for at least 3. The tier page is reached."
    )


@pytest.mark.parametrize(
    ("asks", "observed", "says"),
    [
        ({"case_definitions": ("cste-like-ems-opioid",)}, 12, "12 suspected overdoses that meet cste-like-ems-opioid in county 1 "),
        (
            {"case_definitions": ("opioid@1",), "outcome": "fatal"},
            1,
            "1 suspected fatal overdose that meets opioid (version 1) in county 1 ",
        ),
        (
            {"case_definitions": ("heroin", "fentanyl"), "sources": ("ed",)},
            2,
            "2 suspected overdoses that meet heroin or fentanyl, reported by",
        ),
    ],
)
def test_case_definitions_are_said(make, asks, observed, says):
    episode = Episode(10 * HOUR, 10 * HOUR, 10 * HOUR, observed)
    assert paragraph("county:1", make.rule(**asks), episode, Finding(demand="x")).startswith(says)


@pytest.mark.parametrize(
    ("probability", "says"),
    [(0.3, "with a probability of 0.3."), (1e-12, "hardly ever"), (0.0, "hardly ever"), (0.049, "one of 20 such windows")],
)
def test_chance_is_told_with_no_more_digits_than_are_known(make, probability, says):
    assert says in paragraph("county:1", make.rule(), EPISODE, Finding(demand="x", probability=probability))


def test_hardly_any_expected_is_no_ratio(make):
    told = paragraph("county:1", make.rule(), EPISODE, Finding(demand="x", expected=0.00123))
    assert "About 0.0012 would be expected." in told


def test_a_picture_shows_each_window_and_both_lines():
    drawn = picture("A & <b>", [0, 2, 4], 8, expected=2.5, threshold=6.0)
    assert drawn is not None
    root = ET.fromstring(drawn)  # noqa: S314  # our own text
    assert root.findtext(f"{SVG}title") == "A & <b>"
    heights = [float(bar.get("height", "")) for bar in root.iter(f"{SVG}rect")]
    assert heights == [0.0, 18.0, 36.0, 72.0]
    assert len(list(root.iter(f"{SVG}line"))) == 2
    assert picture("x", [], 8, expected=None, threshold=6.0) is None


def test_the_largest_picture_fits_the_contract():
    drawn = picture("x" * 100, [10**6] * 30, 10**6, expected=1e6, threshold=1e6)
    assert drawn is not None
    assert len(drawn) < 20_000

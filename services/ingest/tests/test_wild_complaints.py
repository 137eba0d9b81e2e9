"""Complaints and narratives as hospitals and crews write them: no overdose of this person, or hidden in a longer phrase. Invented."""

import pytest

from spikewatch.ingest.domain.vocabulary import DRUG
from spikewatch.ingest.terminology import vocabulary

VOCABULARY = vocabulary()


def _kinds(text: str) -> set[str]:
    return {listed.kind for listed in VOCABULARY.scan(text)}


@pytest.mark.parametrize(
    "text",
    [
        "SI WITH PLAN TO OVERDOSE",
        "suicidal ideation, wants to overdose on pills",
        "thoughts of overdosing",
        "threatening to overdose on his medication",
        "worried about overdose",
        "overdose prevention kit requested",
        "sister died of overdose; depression",
        "GRIEF - SON DIED OF FENTANYL OVERDOSE",
        "anxious since her brother died from an overdose",
        "found her brother dead of fentanyl overdose yesterday",
        "EYE PAIN OD",
        "OD RIGHT EYE PAIN",
        "blurry vision OD since yesterday",
    ],
)
def test_what_did_not_happen_to_this_person_is_no_overdose(text: str) -> None:
    assert "overdose" not in _kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "wants to die, overdosed on pills",
        "plan to kill herself, overdosed on tylenol",
        "husband found her after overdose",
        "suicidal, threatening, then took an overdose",
        "son found unresponsive, heroin overdose",
        "OD HEROIN, eye swelling",
    ],
)
def test_an_overdose_that_happened_is_found_beside_such_words(text: str) -> None:
    assert "overdose" in _kinds(text)


@pytest.mark.parametrize(
    "text",
    ["took too many pills", "took too much medication", "insulin overdose", "ASA overdose", "SUICIDE ATTEMPT-PILLS", "PCP intoxication"],
)
def test_a_longer_phrase_of_a_substance_does_not_hide_the_overdose(text: str) -> None:
    assert "overdose" in _kinds(text)


def test_low_blood_sugar_is_no_substance() -> None:
    assert DRUG not in _kinds("Dispatched for possible overdose. Pt hypoglycemic, glucose 32. No evidence of overdose or drug use.")

"""Titles as dispatch systems of many places write them."""

import pytest

from spikewatch.ingest.domain.feeds.call_titles import TitleMeaning, title_reader

MEANING = title_reader()


@pytest.mark.parametrize(
    "title",
    [
        *("O/D", "OD CALL", "PILL OD", "RX OD", "BLS OD", "MALE OD", "OD FEMALE", "P1 OD", "OD?", "*OD*", "SUBJECT OD'D", "OD W/NARCAN"),
        *("OVRDOSE", "OVERDOES", "OVERDOSSE", "CARDIAC ARREST - OD", "Medic Response- Overdose", "OVERDOSE - NO NARCAN"),
        *("MED23D1", "23-Bravo-1", "23 DELTA 1", "Protocol 23", "EMD 23", "OVERDOSE DEATH INVESTIGATION", "INGESTION 23C1"),
    ],
)
def test_these_are_overdoses(title: str) -> None:
    assert MEANING(title, "") is TitleMeaning.SUSPECTED


@pytest.mark.parametrize(
    "title",
    [
        *("OVERDOSE FOLLOW UP", "POST OVERDOSE FOLLOW-UP", "OVERDOSE OUTREACH", "OVERDOSE TRAINING", "OVERDOSE KIT DELIVERY"),
        *("OVERDOSE RESPONSE TEAM", "NOT AN OVERDOSE", "NO OVERDOSE", "ANIMAL OVERDOSE", "OVERDOSE ALARM TEST", "OD FOLLOWUP"),
        *("ACCIDENT 23D1 ST", "UNIT 23B1", "UNIT 23 ALPHA 1", "APT 23D1", "OD METER", "ODOR INVESTIGATION", "MOD MEDICAL", "CODE 23"),
    ],
)
def test_these_are_not(title: str) -> None:
    assert MEANING(title, "") is TitleMeaning.OTHER


def test_a_determinant_of_protocol_23_stands_whatever_the_title_says() -> None:
    assert MEANING("OVERDOSE FOLLOW UP", "23D01") is TitleMeaning.SUSPECTED

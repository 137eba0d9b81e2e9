import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spikewatch_testing.exploring import examples

from spikewatch.contracts.vocabulary import DrugClass
from spikewatch.ingest.domain.numbered_yaml import WrongData
from spikewatch.ingest.domain.vocabulary import load_vocabulary
from spikewatch.ingest.terminology import vocabulary

VOCABULARY = vocabulary()
SMALL = """\
version: 1
drugs:
  heroin: {class: heroin, spellings: [herion], codes: {icd10cm: [T401]}}
words:
  overdose: {kind: overdose}
negations: {before: [{cues: [denies], reach: 8}], after: [{cues: [negative], reach: 1}], ends: [but],
  earlier: [history of], given: [gave], doses: [mg]}
"""


def terms(text: str) -> list[str]:
    return [listed.term for listed in VOCABULARY.scan(text)]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("COCAINE/CRACK", DrugClass.COCAINE),
        ("HEROIN", DrugClass.HEROIN),
        ("FENTANYL", DrugClass.FENTANYL),
        ("FENTANYL ANALOG/OTHER SYNTHETIC OPIOID", DrugClass.FENTANYL),
        ("Fentanyl Analogue", DrugClass.FENTANYL),
        ("PHARMACEUTICAL OPIOID", DrugClass.OPIOID),
        ("BENZODIAZEPINES (I.E.VALIUM, XANAX, ATIVAN, ETC)", DrugClass.BENZODIAZEPINE),
        ("BARBITURATES (I.E. AMYTAL, NEMBUTAL, ETC)", DrugClass.OTHER),
        ("BATH SALTS", DrugClass.STIMULANT),
        ("PHARMACEUTICAL STIMULANT", DrugClass.STIMULANT),
        ("METHAMPHETAMINE", DrugClass.METHAMPHETAMINE),
        ("Meth/Amphetamine", DrugClass.METHAMPHETAMINE),
        ("Morphine (Not Heroin)", DrugClass.OPIOID),
        ("Heroin/Morph/Codeine", DrugClass.HEROIN),
        ("Opiate NOS", DrugClass.OPIOID),
        ("Tramad", DrugClass.OPIOID),
        ("Amphet", DrugClass.STIMULANT),
        ("CARFENTANIL", DrugClass.FENTANYL),
        ("SUBOXONE", DrugClass.OPIOID),
        ("SYNTHETIC MARIJUANA", DrugClass.OTHER),
        ("ALCOHOL", DrugClass.ALCOHOL),
        ("N-Desethyl Isotonitazene", DrugClass.OPIOID),
        ("para-Fluorofentanyl", DrugClass.FENTANYL),
        ("Xylazine", DrugClass.OTHER),
        ("medetomidine", DrugClass.OTHER),
        ("Bromazolam", DrugClass.BENZODIAZEPINE),
        ("4-ANPP", DrugClass.FENTANYL),
        ("UNKNOWN", DrugClass.UNKNOWN),
        ("OTHER", DrugClass.OTHER),
        ("Cocaine HCl (powder)", DrugClass.COCAINE),
    ],
)
def test_the_spellings_of_public_files_are_listed(name: str, kind: DrugClass) -> None:
    found = VOCABULARY.named(name)
    assert found is not None
    assert found[0].drug_class is kind


def test_a_name_of_two_substances_gives_both_and_a_foreign_one_none() -> None:
    assert [listed.term for listed in VOCABULARY.named("Heroin and Fentanyl") or ()] == ["heroin", "fentanyl"]
    assert VOCABULARY.named("Jane Doe") is None
    assert VOCABULARY.named(" n/a ") == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HEROIN OVERDOSE", ["heroin", "overdose"]),
        ("herion od", ["heroin", "overdose"]),
        ("Pt O.D.'d on Xanex", ["overdose", "alprazolam"]),
        ("heroinoverdose", ["heroin", "overdose"]),
        ("fentanyl/xylazine", ["fentanyl", "xylazine"]),
        ("cyanofentanyl", ["fentanyl"]),
        ("hér\u043ein", ["heroin"]),  # an accent, and a Cyrillic o
        ("her\u200boin \uff26\uff25\uff2e\uff34\uff21\uff2e\uff39\uff2c", ["heroin", "fentanyl"]),
        ("acute intoxication by u-47700", ["intoxication", "u-47700"]),
        ("slipped on ice, fell with girl friend", []),
        ("opioid-like", ["opioid"]),
    ],
)
def test_a_text_is_read_whatever_its_spelling(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "denies heroin use",
        "Patient denies any use of heroin, fentanyl or cocaine",
        "no fentanyl",
        "negative for fentanyl",
        "UDS: fentanyl negative",
        "Fentanyl - not detected",
        "no signs of overdose",
        "without any heroin",
        "non-opioid pain",
        "administered fentanyl 50 mcg IV",
        "fentanyl 100 mcg given",
    ],
)
def test_what_a_text_negates_or_a_crew_gave_is_not_found(text: str) -> None:
    assert terms(text) == (["opioid"] if text.startswith("non-opioid") else [])  # a hyphen is no negation


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("denies SI. Heroin overdose", ["heroin", "overdose"]),
        ("denies heroin but used fentanyl", ["fentanyl"]),
        ("no pulse, found with heroin", ["heroin"]),
        ("uses heroin, denies fentanyl", ["heroin"]),
        ("fentanyl overdose given narcan", ["fentanyl", "overdose", "naloxone given"]),
        ("history of overdose, heroin today", ["heroin"]),
        ("not responding, heroin", ["unresponsive", "heroin"]),
    ],
)
def test_a_negation_ends_where_it_ends(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_codes_stand_for_substances_at_their_first_poisoning_only() -> None:
    found = {
        code: listed.term if (listed := VOCABULARY.coded("icd10cm", code)) else None
        for code in ("T40.1X1A", "T40411A", "T40.2X5A", "T40.1X1D", "B20")
    }
    assert found == {"T40.1X1A": "heroin", "T40411A": "fentanyl", "T40.2X5A": None, "T40.1X1D": None, "B20": None}
    naloxone = VOCABULARY.coded("rxnorm", "7242")
    assert naloxone is not None
    assert naloxone.term == "naloxone"


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("class: heroin", "class: herion", 3, "'herion' is not known"),
        ("[herion]", "[herion, overdose]", 5, "stands under 'heroin' already"),
        ("kind: overdose", "kinds: overdose", 5, "kind is missing"),
        ("  overdose: {", "  heroin: {", 5, "is a drug and a word"),
        ("version: 1", "version: none", 1, "is no whole number"),
        ("words:", "words: [", 4, "is no YAML"),
        ("  heroin:", "  HEROIN:", 3, "is no term"),
        ("T401]}}", "T401]}}\n  heroin: {class: heroin}", 4, "stands there twice"),
    ],
)
def test_a_wrong_file_is_told_by_its_line(old: str, new: str, line: int, problem: str) -> None:
    with pytest.raises(WrongData) as told:
        load_vocabulary(SMALL.replace(old, new, 1), "mine.yaml")
    message = str(told.value)
    assert problem in message
    assert "expected" in message
    if problem != "is no YAML":
        assert message.startswith(f"mine.yaml:{line}:")


def test_an_operators_file_is_read() -> None:
    mine = load_vocabulary(SMALL, "mine.yaml")
    assert [listed.term for listed in mine.scan("herion overdose")] == ["heroin", "overdose"]


@settings(max_examples=examples(120))
@given(st.text(max_size=300))
def test_no_text_breaks_the_scan_and_case_does_not_matter(text: str) -> None:
    found = VOCABULARY.scan(text)
    assert all(listed.term in VOCABULARY.listed for listed in found)
    if text.isascii():
        assert VOCABULARY.scan(text.upper()) == VOCABULARY.scan(text.lower())


@settings(max_examples=examples(80))
@given(
    st.sampled_from([key for key in VOCABULARY.names if VOCABULARY.names[key] is not None]),
    st.sampled_from([str.upper, str.title, str.lower]),
)
def test_every_listed_name_is_found_in_any_case(name: str, write: object) -> None:
    assert callable(write)
    found = VOCABULARY.named("  " + str(write(name)))
    assert found == (VOCABULARY.names[name],)


def test_hostile_texts_take_no_time() -> None:
    started = time.process_time()
    for text in ("denies " * 8000, "a" * 60_000, "heroin " * 9000, "no heroin " * 6000, "\u0301" * 60_000, "heroinheroin" * 5000):
        VOCABULARY.scan(text)
    assert time.process_time() - started < 30  # it takes 0.1 s; what is squared by a length of 60,000 takes hours

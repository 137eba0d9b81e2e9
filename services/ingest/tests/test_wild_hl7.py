"""HL7 v2 as other interfaces write it: coding systems by other names, dispositions in words, indented messages. Invented."""

import pytest
from spikewatch_testing.hl7_messages import cut, message, notes, reading

from spikewatch.contracts.vocabulary import Disposition, Outcome


def _codes(body: str) -> set[tuple[str, str]]:
    return {(code.system, code.code) for code in reading(body).found.codes}


@pytest.mark.parametrize("system", ["ICD-10-CM-2026", "I10C2026", "ICD-10-CM Diagnosis", "urn:oid:2.16.840.1.113883.6.90", "ICD10CM (US)"])
def test_icd_10_by_the_names_that_interfaces_give_it(system: str) -> None:
    found = reading(message(f"DG1|1||T40.1X1A^^{system}|||F"))
    assert ("icd10cm", "T40.1X1A") in {(code.system, code.code) for code in found.found.codes}
    assert ("diagnosis", "coding_system_assumed") not in notes(found)


@pytest.mark.parametrize("system", ["I9CDX", "I9", "L", "99ICD", "DX"])
def test_a_code_that_only_icd_10_has_is_taken_for_it_and_noted(system: str) -> None:
    found = reading(message(f"DG1|1||T40.1X1A^^{system}|||F"))
    assert ("icd10cm", "T40.1X1A") in {(code.system, code.code) for code in found.found.codes}
    assert ("diagnosis", "coding_system_assumed") in notes(found)


@pytest.mark.parametrize(
    ("code", "system", "expected"),
    [
        ("E850.0", "I9CDX", ("icd9cm", "E850.0")),
        ("965.01", "I9CDX", ("icd9cm", "965.01")),
        ("V58.69", "I9", ("icd9cm", "V58.69")),
        ("J18", "L", None),  # a house's own code of three characters may be anything
        ("T40.1", "99ZZZ", None),
        ("T401X1A", "ICD-10-PCS", ("icd10cm", "T401X1A")),
    ],
)
def test_other_codes_stay_what_they_are_called(code: str, system: str, expected: tuple[str, str] | None) -> None:
    assert _codes(message(f"DG1|1||{code}^^{system}|||F")) == ({expected} if expected else set())


@pytest.mark.parametrize(
    ("stated", "disposition", "outcome"),
    [
        ("HOME", Disposition.RELEASED, Outcome.NONFATAL),
        ("Home^Discharged home", Disposition.RELEASED, Outcome.NONFATAL),
        ("AMA", Disposition.REFUSED, Outcome.NONFATAL),
        ("expired", Disposition.UNKNOWN, Outcome.FATAL),
        ("DECEASED", Disposition.UNKNOWN, Outcome.FATAL),
    ],
)
def test_dispositions_in_words(stated: str, disposition: Disposition, outcome: Outcome) -> None:
    found = reading(message(pv1={36: stated}))
    assert (found.report.disposition, found.report.outcome) == (disposition, outcome)
    assert ("dead" in found.found.facts) == (outcome is Outcome.FATAL)


def test_indented_messages_are_read_as_others_are() -> None:
    plain = message("DG1|1||T40.1X1A^^I10C|||F") + message(pv1={19: "V-2"})
    indented = "\r\n".join(f"    {line}" for line in plain.split("\r"))
    assert len(cut(indented)) == len(cut(plain)) == 2
    first = "\n".join(f"\t{line}" for line in message("DG1|1||T40.1X1A^^I10C|||F").split("\r"))
    assert reading(first).report.changed(quality=()) == reading(message("DG1|1||T40.1X1A^^I10C|||F")).report.changed(quality=())


def test_an_indented_line_of_a_note_stays_a_text() -> None:
    body = message(obx="OBX|3|TX|8661-1^^LN||heroin\n  overdose||||||F")
    assert {part.text for part in reading(body).found.statements} == {"heroin overdose"}

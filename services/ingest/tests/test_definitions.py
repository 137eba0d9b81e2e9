import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spikewatch_testing.exploring import examples

from spikewatch.contracts.case_definitions import SHIPPED_DEFINITIONS
from spikewatch.contracts.report import Code, Drug
from spikewatch.contracts.vocabulary import DrugBasis, DrugClass, SourceType
from spikewatch.ingest.domain.definitions import Subject, load_definitions
from spikewatch.ingest.domain.numbered_yaml import WrongData
from spikewatch.ingest.terminology import definitions, vocabulary

DEFINITIONS = definitions()
VOCABULARY = vocabulary()
SMALL = """\
version: 1
definitions:
  - id: heroin
    version: 2
    title: Heroin
    source: own
    within: any-drug
    when: {code: {systems: [icd10cm], search: '^T40'}}
  - id: any-drug
    version: 1
    title: Any drug
    source: own
    reports: true
    when: {fact: [declared_overdose]}
"""


def subject(
    *,
    codes: tuple[Code, ...] = (),
    text: str = "",
    role: str = "chief_complaint",
    facts: tuple[str, ...] = (),
    kind: SourceType = SourceType.EMS,
    drugs: tuple[Drug, ...] = (),
) -> Subject:
    return Subject(codes, tuple((listed, role) for listed in VOCABULARY.scan(text)), drugs, frozenset(facts), kind)


def met(of: Subject) -> set[str]:
    hits, _ = DEFINITIONS.met(of)
    return {hit.definition.partition("@")[0] for hit in hits}


def impression(code: str) -> Subject:
    return subject(codes=(Code(system="icd10cm", code=code, role="eSituation.11"),))


def diagnosis(code: str) -> Subject:
    return subject(codes=(Code(system="icd10cm", code=code, role="diagnosis"),), kind=SourceType.ED)


PUBLISHED_ONLY = ["T40.2X5A", "T40.2X1D", "T40.3X6A", "T40.4X5A", "T40.415A", "T40.411D"]
BOTH = ["T40.1X1A", "T40.411A", "T40.601A", "T40.1", "T40.2", "T40.4", "T40.6", "F11", "F11.20", "F11.129"]


def test_the_official_expression_accepts_what_its_prose_excludes_and_the_anchored_one_does_not() -> None:
    codes = [*PUBLISHED_ONLY, *BOTH, "T40.605A", "T40.5X1A", "F19", "F10.92"]
    as_published = [code for code in codes if "nemsis-opioid-official" in met(impression(code))]
    anchored = [code for code in codes if "nemsis-opioid-anchored" in met(impression(code))]
    assert (as_published, anchored) == ([*PUBLISHED_ONLY, *BOTH], BOTH)
    for code in PUBLISHED_ONLY:
        assert not {"opioid", "suspected-overdose"} & met(impression(code))


def test_naloxone_that_improved_meets_both_and_one_that_was_not_given_only_the_published() -> None:
    assert {"nemsis-opioid-official", "nemsis-opioid-anchored", "opioid", "suspected-overdose"} <= met(
        subject(facts=("naloxone_improved",))
    )
    assert met(subject(facts=("naloxone_negated_improved",))) == {"nemsis-opioid-official"}
    assert met(subject(facts=("naloxone_given",))) == set()


def test_the_official_overdose_sample_is_any_drug_and_no_opioid() -> None:
    codes = tuple(Code(system="icd10cm", code=code, role=role) for code, role in (("F19", "eSituation.11"), ("F10.92", "eSituation.12")))
    assert met(subject(codes=codes)) == {"any-drug", "suspected-overdose"}
    assert met(impression("F10.92")) == set()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("T402X1A", {"cdc-discharge-any-drug", "cdc-discharge-opioid", "cdc-discharge-other-opioid"}),
        ("T40411A", {"cdc-discharge-any-drug", "cdc-discharge-opioid", "cdc-discharge-other-opioid", "cdc-discharge-synthetic"}),
        ("T40.411A", {"cdc-discharge-any-drug", "cdc-discharge-opioid", "cdc-discharge-other-opioid", "cdc-discharge-synthetic"}),
        ("T4391XA", {"cdc-discharge-any-drug"}),
        ("T401X2A", {"cdc-discharge-any-drug", "cdc-discharge-opioid", "cdc-discharge-heroin"}),
        ("T402X5A", set()),
        ("T402X1D", set()),
        ("T4395XA", set()),
        ("T510X1A", set()),
    ],
)
def test_the_discharge_expressions_say_what_was_measured(code: str, expected: set[str]) -> None:
    assert {name for name in met(diagnosis(code)) if name.startswith("cdc-discharge")} == expected


def test_dose_like_keeps_accidental_and_undetermined_intent_only() -> None:
    assert "dose-like-heroin" in met(diagnosis("T40.1X1A"))
    assert "dose-like-heroin" in met(diagnosis("T40.1X4A"))
    for code in ("T40.1X2A", "T40.1X3A"):
        assert not any(name.startswith("dose-like") for name in met(diagnosis(code)))
        assert "heroin" in met(diagnosis(code))
    assert "dose-like-opioid" in met(diagnosis("F11.129"))
    assert not met(diagnosis("F11.20"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("heroin overdose", True),
        ("unresponsive, took fentanyl", True),
        ("snorted dope", True),
        ("opiate withdrawal, nodding off", False),
        ("wants detox from heroin, lethargic", False),
        ("heroin use", False),
        ("unresponsive", False),
    ],
)
def test_a_complaint_needs_an_overdose_term_and_a_drug_term(text: str, expected: bool) -> None:  # noqa: FBT001
    assert ("dose-like-opioid" in met(subject(text=text, kind=SourceType.ED))) is expected


def test_an_exclusion_in_the_text_does_not_touch_a_code() -> None:
    both = subject(codes=(Code(system="icd10cm", code="T40.1X1A", role="diagnosis"),), text="heroin withdrawal", kind=SourceType.ED)
    assert "dose-like-heroin" in met(both)


def test_a_medical_examiners_case_needs_drugs_as_the_cause() -> None:
    def case(text: str, *facts: str) -> set[str]:
        return met(subject(text=text, role="cause_of_death", facts=facts, kind=SourceType.ME))

    assert {"opioid", "fentanyl", "medical-examiner-drug"} <= case("Acute fentanyl toxicity", "manner_accident")
    assert {"cocaine", "stimulant"} <= case("COCAINE, FENTANYL", "manner_undetermined")
    assert case("Complications of chronic cocaine toxicity", "manner_natural") == set()
    assert case("Blunt trauma of head", "manner_accident") == set()
    assert case("Acute ethanol intoxication", "manner_accident") == set()
    codes = tuple(
        Code(system="icd10", code=code, role=role) for code, role in (("X42", "underlying_cause"), ("T40.4", "contributing_cause"))
    )
    assert {"cdc-opioid-death", "medical-examiner-drug"} <= met(subject(codes=codes, kind=SourceType.ME))


def test_every_hit_says_why() -> None:
    hits, is_reporting = DEFINITIONS.met(
        subject(codes=(Code(system="icd10cm", code="T40.1X1A", role="eSituation.11"),), text="heroin overdose")
    )
    because = {hit.definition: hit.because for hit in hits}
    assert is_reporting
    assert {"icd10cm T40.1X1A at eSituation.11", "term heroin in chief_complaint"} <= set(because["heroin@1"])
    assert "definition heroin" in because["opioid@1"]
    assert all(because.values())


def test_a_code_no_definition_looks_at_is_not_kept() -> None:
    for code in (
        ("icd10cm", "B20", "diagnosis"),
        ("icd10cm", "Z21", "eSituation.11"),
        ("loinc", "1234-5", "x"),
        ("nemsis", "9919001", "ePatient.25"),
    ):
        assert not DEFINITIONS.keeps(Code(system=code[0], code=code[1], role=code[2]))
    assert DEFINITIONS.keeps(Code(system="nemsis", code="2813007", role="eSituation.13"))
    assert not DEFINITIONS.keeps(Code(system="nemsis", code="2813007", role="elsewhere"))


codes = st.tuples(
    st.sampled_from(
        ["T40.1X1A", "T40.411A", "T40.2X5A", "T42.4X1A", "T43.651A", "T40.5X4A", "F11.129", "F19", "X42", "B20", "965.01", "T39.1X1A"]
    ),
    st.sampled_from(["eSituation.11", "diagnosis", "underlying_cause"]),
).map(lambda pair: Code(system="icd9cm" if pair[0] == "965.01" else "icd10cm", code=pair[0], role=pair[1]))
drugs = st.sampled_from([Drug(term=kind.value, drug_class=kind, basis=DrugBasis.SUSPECTED) for kind in DrugClass])
subjects = st.builds(
    Subject,
    st.lists(codes, max_size=3).map(tuple),
    st.lists(
        st.tuples(st.sampled_from(list(VOCABULARY.listed.values())), st.sampled_from(["chief_complaint", "narrative", "cause_of_death"])),
        max_size=4,
    ).map(tuple),
    st.lists(drugs, max_size=3).map(tuple),
    st.frozensets(st.sampled_from(["declared_overdose", "naloxone_improved", "dispatch_overdose", "manner_natural", "drug_related_flag"])),
    st.sampled_from(SourceType),
)


@settings(max_examples=examples(150))
@given(subjects)
def test_who_meets_a_part_meets_the_whole(one: Subject) -> None:
    found = met(one)
    for definition in DEFINITIONS.all:
        if definition.id in found and definition.within is not None:
            assert definition.within in found
    assert {"heroin", "fentanyl"} & found <= ({"heroin", "fentanyl"} if "opioid" in found else set())
    if {"opioid", "stimulant", "benzodiazepine"} & found:
        assert {"any-drug", "suspected-overdose"} <= found


@settings(max_examples=examples(80))
@given(subjects, codes)
def test_more_codes_never_meet_less_but_where_a_definition_excludes(one: Subject, code: Code) -> None:
    more = Subject((*one.codes, code), one.terms, one.drugs, one.facts, one.source_type)
    assert met(one) <= met(more)


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("search: '^T40'", "search: '^T40('", 8, "is no regular expression"),
        ("within: any-drug", "within: nothing", 7, "is no definition of this file"),
        ("id: any-drug", "id: heroin", 9, "stands there twice"),
        ("{fact: [declared_overdose]}", "{facts: [declared_overdose]}", 14, "'facts' is not known here"),
        ("{fact: [declared_overdose]}", "{definition: opioid}", 14, "'opioid' is not known"),
        ("{fact: [declared_overdose]}", "{any: []}", 14, "is empty"),
        ("{fact: [declared_overdose]}", "{source: [hospital]}", 14, "'hospital' is not known"),
        ("{fact: [declared_overdose]}", "{drug: {classes: [opiate]}}", 14, "'opiate' is not known"),
        ("    version: 2\n", "", 3, "version is missing"),
        ("    reports: true\n", "", 2, "none says reports: true"),
        ("search: '^T40'", "is: [T40], full: T40", 8, "says not how codes are compared"),
    ],
)
def test_a_wrong_file_is_told_by_its_line(old: str, new: str, line: int, problem: str) -> None:
    with pytest.raises(WrongData) as told:
        load_definitions(SMALL.replace(old, new, 1), "mine.yaml")
    message = str(told.value)
    assert problem in message
    assert message.startswith(f"mine.yaml:{line}:")
    assert "expected" in message


def test_the_contracts_name_the_shipped_definitions_that_reports_may_carry() -> None:
    assert dict(SHIPPED_DEFINITIONS) == {one.id: one.version for one in DEFINITIONS.all if not one.is_hidden}

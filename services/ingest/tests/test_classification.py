import time
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spikewatch_testing.exploring import examples

from spikewatch.contracts.identifiers import report_id, report_key
from spikewatch.contracts.report import Code, Location, Report
from spikewatch.contracts.vocabulary import DrugBasis, DrugClass, SourceType, TimeBasis, TimePrecision
from spikewatch.ingest.domain.classification import Classifier
from spikewatch.ingest.domain.evidence import Found, Named, Statement
from spikewatch.ingest.domain.feeds.feed import NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.numbered_yaml import WrongData
from spikewatch.ingest.domain.revision import History, settle, settle_withdrawal
from spikewatch.ingest.terminology import classifier, keyed_hash

CLASSIFIER = classifier(b"k" * 32)
AT = datetime(2026, 5, 1, tzinfo=UTC)


def source(kind: SourceType = SourceType.EMS) -> Source:
    return Source("cedar-ems", kind, AT, UUID(int=1), "nemsis")


def report(record: str = "R1", submission: int = 1, kind: SourceType = SourceType.EMS) -> Report:
    return Report(
        report_id=report_id("cedar-ems", record, 1),
        report_key=report_key("cedar-ems", record),
        source_agency_id="cedar-ems",
        source_record_id=record,
        revision=1,
        source_type=kind,
        occurred_at=AT,
        occurred_at_basis=TimeBasis.REPORTED,
        occurred_at_precision=TimePrecision.SECOND,
        received_at=AT,
        location=Location(),
        submission_id=UUID(int=submission),
        submission_format="nemsis",
    )


def classified(found: Found, *, declared: bool = False, kind: SourceType = SourceType.EMS, using: Classifier = CLASSIFIER) -> Report | None:
    result = using.classify(Reading(report(kind=kind), None, found, is_declared=declared), source(kind))
    return result.report if isinstance(result, Reading) else None


def test_names_codes_and_texts_become_drugs_each_once_with_their_basis() -> None:
    found = Found(
        codes=(Code(system="icd10cm", code="T40.5X1A", role="diagnosis"),),
        names=(
            Named("HEROIN"),
            Named("herion"),
            Named("Fentanyl", DrugBasis.TOXICOLOGY, "73938-3", "loinc"),
            Named("x", DrugBasis.TOXICOLOGY, "73938-3", "loinc"),
        ),
        statements=(Statement("cause_of_death", "Xylazine toxicity", DrugBasis.TOXICOLOGY), Statement("narrative", "uses meth")),
    )
    made = classified(found, declared=True)
    assert made is not None
    assert [(drug.term, drug.basis.value, drug.code) for drug in made.drugs] == [
        ("heroin", "suspected", None),
        ("fentanyl", "toxicology", "73938-3"),
        ("xylazine", "toxicology", None),
        ("cocaine", "suspected", None),
    ]
    assert made.evidence is not None
    assert {(term.term, term.role) for term in made.evidence.terms} >= {("methamphetamine", "narrative"), ("xylazine", "cause_of_death")}


def test_a_name_that_is_not_listed_is_hashed_under_the_key_and_never_carried() -> None:
    made = classified(Found(names=(Named("Jane  DOE"), Named("heroin"))), declared=True)
    other_key = classified(Found(names=(Named("Jane Doe"),)), declared=True, using=classifier(b"x" * 32))
    assert made is not None and made.evidence is not None and other_key is not None and other_key.evidence is not None  # noqa: PT018
    assert "doe" not in made.to_json().decode().lower()
    assert made.evidence.unlisted == (keyed_hash(b"k" * 32)("jane doe"),)
    assert made.evidence.unlisted != other_key.evidence.unlisted
    assert [drug.term for drug in made.drugs] == ["heroin", "other"]
    assert [(note.field, note.code) for note in made.quality] == [("drugs", "not_recognised")]


def test_a_code_of_another_illness_and_the_text_itself_are_never_stored() -> None:
    codes = tuple(Code(system="icd10cm", code=code, role="diagnosis") for code in ("B20", "T40.1X1A", "Z21"))
    made = classified(Found(codes=codes, statements=(Statement("narrative", "Jane Doe of 12 Main St, HIV positive, heroin overdose"),)))
    assert made is not None and made.evidence is not None  # noqa: PT018
    assert [code.code for code in made.evidence.codes] == ["T40.1X1A"]
    for planted in ("B20", "Z21", "Jane", "Main", "HIV"):
        assert planted not in made.to_json().decode()


def test_hits_and_reasons_are_written() -> None:
    made = classified(Found(codes=(Code(system="icd10cm", code="T40.1X1A", role="eSituation.11"),)))
    assert made is not None
    assert "heroin@1" in made.case_definition_hits
    assert made.case_definition_hits == tuple(hit.definition for hit in made.case_definitions)
    assert "icd10cm T40.1X1A at eSituation.11" in next(hit.because for hit in made.case_definitions if hit.definition == "heroin@1")


def test_a_declared_record_is_a_report_whatever_it_says_and_another_only_if_a_definition_says_so() -> None:
    assert classified(Found(), declared=True) is not None
    assert classified(Found()) is None
    assert classified(Found(statements=(Statement("narrative", "broken leg, hx of heroin use"),))) is None
    assert classified(Found(facts=frozenset({"dispatch_overdose"}))) is not None
    assert classified(Found(codes=(Code(system="icd10cm", code="T40.2X5A", role="eSituation.11"),))) is None  # only the flawed expression


def test_an_unknown_role_is_read_as_a_narrative() -> None:
    made = classified(Found(statements=(Statement("something", "heroin overdose"),)))
    assert made is not None and made.evidence is not None  # noqa: PT018
    assert {term.role for term in made.evidence.terms} == {"narrative"}


def overdose(submission: int = 1) -> Reading:
    result = CLASSIFIER.classify(
        Reading(report(submission=submission), None, Found(facts=frozenset({"dispatch_overdose"})), is_declared=False), source()
    )
    assert isinstance(result, Reading)
    return result


def nothing(submission: int = 1) -> NotAnOverdose:
    result = CLASSIFIER.classify(Reading(report(submission=submission), None, Found(), is_declared=False), source())
    assert isinstance(result, NotAnOverdose)
    return result


def test_a_known_report_is_taken_back_once_and_an_unknown_one_leaves_no_trace() -> None:
    history = History(report().report_key)
    assert settle_withdrawal(history, nothing(), 0) is None
    assert not history.is_changed
    settle(history, overdose(2), 0)
    back = settle_withdrawal(history, nothing(3), 0)
    assert back is not None and back.report is not None  # noqa: PT018
    assert (back.report.withdrawn, back.report.revision, back.report.drugs, back.report.evidence) == (True, 2, (), None)
    again = settle_withdrawal(history, nothing(4), 0)
    assert again is not None
    assert (again.report, again.revision) == (None, 2)


def test_a_redelivered_batch_takes_nothing_back_that_it_did_not_the_first_time() -> None:
    history = History(report().report_key)

    def batch() -> list[tuple[bool, int]]:
        found: list[tuple[bool, int]] = []
        for said in (nothing(1), overdose(2)):
            settled = settle_withdrawal(history, said, 0) if isinstance(said, NotAnOverdose) else settle(history, said, 0)
            found.append((settled is None, settled.revision if settled else 0))
        return found

    assert batch() == batch() == [(True, 0), (False, 1)]
    later = settle_withdrawal(history, nothing(9), 0)
    assert later is not None
    assert later.revision == 2


@settings(max_examples=examples(80))
@given(
    st.lists(st.text(max_size=30).map(Named), max_size=5),
    st.lists(
        st.tuples(st.sampled_from(["narrative", "chief_complaint", "x"]), st.text(max_size=80)).map(lambda pair: Statement(*pair)),
        max_size=3,
    ),
    st.booleans(),
)
def test_anything_can_be_classified_and_twice_gives_the_same(names: list[Named], statements: list[Statement], declared: bool) -> None:  # noqa: FBT001
    found = Found(names=tuple(names), statements=tuple(statements))
    first, second = classified(found, declared=declared), classified(found, declared=declared)
    assert first == second
    if declared:
        assert first is not None
        assert Report.model_validate_json(first.to_json()) == first


def test_a_wrong_or_missing_file_is_one_sentence(tmp_path: object) -> None:
    with pytest.raises(WrongData, match="cannot be read"):
        classifier(vocabulary_file=f"{tmp_path}/none.yaml")


def test_a_plain_report_costs_little() -> None:
    reading = Reading(report(), None, Found(names=(Named("fentanyl"), Named("Xylazine"))))
    of = source()
    best, writing = (min(_seconds(work) for _ in range(20)) for work in (lambda: CLASSIFIER.classify(reading, of), report().to_json))
    assert best < 20 * writing  # it costs less than writing the report: whatever the machine, twenty times that is another way to work


def _seconds(work: object) -> float:
    assert callable(work)
    started = time.perf_counter()
    for _ in range(100):
        work()
    return (time.perf_counter() - started) / 100


def test_every_class_of_the_contract_can_be_named() -> None:
    assert {listed.drug_class for listed in CLASSIFIER.vocabulary.listed.values() if listed.kind == "drug"} == set(DrugClass)

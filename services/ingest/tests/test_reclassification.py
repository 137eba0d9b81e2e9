from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from spikewatch.chassis.outcome import Transient
from spikewatch.contracts.report import Report
from spikewatch.contracts.vocabulary import SourceType
from spikewatch.ingest.domain.classification import Classifier, interpret
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.feeds.feed import Reading, Source
from spikewatch.ingest.domain.reclassification import Changes, Reclassification
from spikewatch.ingest.domain.revision import History, settle
from spikewatch.ingest.reclassify import apply, latest
from spikewatch.ingest.terminology import classifier
from spikewatch.ingest.testing import FakePublisher, InMemoryRevisions

KEY = b"k" * 32
AT = datetime(2026, 5, 2, tzinfo=UTC)
TERMINOLOGY = Path(__file__).parents[1] / "src" / "spikewatch" / "ingest" / "terminology"
OLD = classifier(KEY)


def newer(folder: Path, *, definitions: tuple[tuple[str, str], ...] = (), vocabulary: tuple[tuple[str, str], ...] = ()) -> Classifier:
    """The shipped files with changes."""
    paths = {}
    for name, changes in (("definitions", definitions), ("vocabulary", vocabulary)):
        text = (TERMINOLOGY / f"{name}.yaml").read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        paths[name] = folder / f"{name}.yaml"
        paths[name].write_text(text, encoding="utf-8")
    return classifier(KEY, vocabulary_file=str(paths["vocabulary"]), definitions_file=str(paths["definitions"]))


def reading(record: str, *drugs: str, using: Classifier = OLD, submission: int = 1) -> Reading:
    fields: dict[str, Any] = {
        "record_id": f"PCR-2026-{record}",
        "occurred_at": "2026-05-01T14:03:00Z",
        "zip": "19401",
        "outcome": "fatal",
        "reversal_given": "no",
    }
    source = Source("cedar-ems", SourceType.EMS, AT, UUID(int=submission), "statutory")
    made = interpret(FEEDS["statutory"], {**fields, "suspected_drugs": list(drugs)}, source, using)
    assert isinstance(made, Reading)
    return made


ZYLOFENE = (("  # --- nitazenes", "  zylofene: {class: opioid}\n\n  # --- nitazenes"),)


def test_a_listed_name_is_found_again_by_its_hash_as_if_it_were_read_today(tmp_path: Path) -> None:
    using = newer(tmp_path, vocabulary=ZYLOFENE)
    for drugs in (("Zylofene",), ("heroin", "Zylofene"), ("Zylofene", "other"), ("Zylofene", "Jane Doe"), ("fentanyl",)):
        old, fresh = reading("R", *drugs).report, reading("R", *drugs, using=using).report
        again = Reclassification(using).of(old)
        assert {drug.term for drug in again.drugs} == {drug.term for drug in fresh.drugs}
        assert again.evidence == fresh.evidence
        assert (again.case_definition_hits, again.quality) == (fresh.case_definition_hits, fresh.quality)
        assert Reclassification(using).of(again) is again


def test_nothing_changes_under_the_same_files() -> None:
    reclassification = Reclassification(OLD)
    for drugs in ((), ("heroin",), ("Jane Doe",), ("other", "Jane Doe"), ("cocaine", "fentanyl", "unknown")):
        report = Report.model_validate_json(reading("R", *drugs).report.to_json())
        assert reclassification.of(report) is report


def test_a_report_from_before_evidence_was_kept_is_a_declared_overdose() -> None:
    report = reading("R", "heroin").report.model_copy(update={"evidence": None, "case_definition_hits": (), "case_definitions": ()})
    again = Reclassification(OLD).of(report)
    assert "heroin@1" in again.case_definition_hits
    assert (again.withdrawn, again.evidence) == (False, None)
    assert Reclassification(OLD).of(again) is again


def test_what_no_definition_meets_any_more_is_taken_back_and_an_older_file_brings_it_back(tmp_path: Path) -> None:
    call = {"title": "EMS: OVERDOSE", "desc": "MAIN ST & 2ND AVE; X; Station 1; 2026-05-01 @ 10:00:00;", "timestamp": "2026-05-01 10:05:00"}
    source = Source("cedar-911", SourceType.CAD, AT, UUID(int=1), "cad_911", time_zone="America/New_York")
    made = interpret(FEEDS["cad_911"], call, source, OLD)
    assert isinstance(made, Reading)
    strict = newer(
        tmp_path,
        definitions=(
            ("[declared_overdose, dispatch_overdose, naloxone_improved", "[declared_overdose, naloxone_improved"),
            (
                "- term: {terms: [overdose], roles: &lines [chief_complaint, dispatch_complaint, dispatch_title,",
                "- term: {terms: [overdose], roles: &lines [chief_complaint,",
            ),
            (
                "        - fact: [dispatch_overdose]\n        - term: {terms: [overdose], roles: [dispatch_title, dispatch_complaint]}",
                "        - fact: [nothing]",
            ),
        ),
    )
    back = Reclassification(strict).of(made.report)
    assert (back.withdrawn, back.case_definition_hits) == (True, ())
    again = Reclassification(OLD).of(back)
    assert again == made.report
    changes = Changes()
    changes.note(made.report, back)
    assert (changes.changed, changes.withdrawn) == (1, 1)
    assert changes.definitions["suspected-overdose"]["lost"] == 1


def test_what_an_agency_took_back_stays_back(tmp_path: Path) -> None:
    report = reading("R", "Zylofene").report.model_copy(update={"withdrawn": True})
    assert Reclassification(newer(tmp_path, vocabulary=ZYLOFENE)).of(report) is report


async def published(readings: Sequence[Reading], revisions: InMemoryRevisions) -> list[Report]:
    """What ingest publishes of them."""
    histories = dict(await revisions.load({each.report.report_key for each in readings}))
    found = [
        settle(histories.setdefault(each.report.report_key, History(each.report.report_key)), each, index).report
        for index, each in enumerate(readings)
    ]
    await revisions.save([history for history in histories.values() if history.is_changed])
    return [report for report in found if report is not None]


def changed(reports: Sequence[Report], using: Classifier) -> list[tuple[Report, Report]]:
    reclassification = Reclassification(using)
    return [(report, after) for report in latest(reports) if (after := reclassification.of(report)) is not report]


async def test_new_revisions_are_published_once_and_a_resend_afterwards_is_a_duplicate(tmp_path: Path) -> None:
    revisions, publisher, using = InMemoryRevisions(), FakePublisher(), newer(tmp_path, vocabulary=ZYLOFENE)
    topic = await published([reading("A", "Zylofene"), reading("B", "heroin"), reading("C", "Zylofene", "cocaine")], revisions)
    done = await apply(changed(topic, using), revisions, publisher)
    assert (done.published, done.overtaken) == (2, 0)
    bodies = [message.body for message in publisher.sent]
    assert [(body.source_record_id, body.revision) for body in bodies if isinstance(body, Report)] == [("PCR-2026-A", 2), ("PCR-2026-C", 2)]
    topic += [body for body in bodies if isinstance(body, Report)]
    assert changed(topic, using) == []
    assert await published([reading("A", "Zylofene", using=using, submission=7)], revisions) == []
    assert await published([reading("A", "Zylofene", using=OLD, submission=8)], revisions) == []
    [next_one] = await published([reading("A", "Zylofene", "heroin", using=using, submission=9)], revisions)
    assert next_one.revision == 3


async def test_a_change_of_definitions_alone_is_a_revision_and_no_agency_sees_it(tmp_path: Path) -> None:
    revisions, publisher = InMemoryRevisions(), FakePublisher()
    using = newer(tmp_path, definitions=(("  - id: heroin\n    version: 1", "  - id: heroin\n    version: 2"),))
    topic = await published([reading("A", "heroin")], revisions)
    assert (await apply(changed(topic, using), revisions, publisher)).published == 1
    again = publisher.sent[0].body
    assert isinstance(again, Report)
    assert (again.revision, "heroin@2" in again.case_definition_hits) == (2, True)
    assert await published([reading("A", "heroin", using=using, submission=5)], revisions) == []


async def test_a_run_that_ended_before_it_published_is_taken_up_with_the_same_number(tmp_path: Path) -> None:
    revisions, publisher, using = InMemoryRevisions(), FakePublisher(), newer(tmp_path, vocabulary=ZYLOFENE)
    topic = await published([reading("A", "Zylofene")], revisions)
    publisher.is_down = True
    with pytest.raises(Transient):
        await apply(changed(topic, using), revisions, publisher)
    publisher.is_down = False
    for _ in range(2):  # also when the acknowledgement was lost and it was published before
        await apply(changed(topic, using), revisions, publisher)
    sent = [message.body for message in publisher.sent if isinstance(message.body, Report)]
    assert [report.revision for report in sent] == [2, 2]
    assert sent[0] == sent[1]


async def test_a_report_that_its_agency_changed_meanwhile_is_left_for_the_next_run(tmp_path: Path) -> None:
    revisions, publisher, using = InMemoryRevisions(), FakePublisher(), newer(tmp_path, vocabulary=ZYLOFENE)
    topic = await published([reading("A", "Zylofene")], revisions)
    found = changed(topic, using)
    topic += await published([reading("A", "Zylofene", "cocaine", submission=3)], revisions)
    assert (await apply(found, revisions, publisher)).overtaken == 1
    assert not publisher.sent
    assert (await apply(changed(topic, using), revisions, publisher)).published == 1


async def test_a_report_past_its_retention_keeps_its_number(tmp_path: Path) -> None:
    revisions, publisher, using = InMemoryRevisions(), FakePublisher(), newer(tmp_path, vocabulary=ZYLOFENE)
    topic = await published([reading("A", "Zylofene")], revisions)
    revisions.stored.clear()
    await apply(changed(topic, using), revisions, publisher)
    body = publisher.sent[0].body
    assert isinstance(body, Report)
    assert body.revision == 2
    assert await published([reading("A", "Zylofene", using=using, submission=6)], revisions) == []


async def test_a_conflict_is_tried_again(tmp_path: Path) -> None:
    class Busy(InMemoryRevisions):
        failures = 2

        async def save(self, histories: Sequence[History]) -> None:
            if self.failures:
                self.failures -= 1
                await super().save(histories[:1])
                raise Transient("changed by another writer")
            await super().save(histories)

    revisions, publisher, using = Busy(), FakePublisher(), newer(tmp_path, vocabulary=ZYLOFENE)
    revisions.failures = 0
    topic = await published([reading(name, "Zylofene") for name in "ABC"], revisions)
    revisions.failures = 2
    assert (await apply(changed(topic, using), revisions, publisher)).published == 3
    assert sorted(message.body.revision for message in publisher.sent if isinstance(message.body, Report)) == [2, 2, 2]

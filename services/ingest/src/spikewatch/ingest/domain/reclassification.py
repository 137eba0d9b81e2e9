"""Reclassification: what the definitions and the vocabulary of today say of a stored report, from its evidence alone."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from spikewatch.contracts.report import Drug, Evidence, QualityNote, Report
from spikewatch.contracts.vocabulary import DrugBasis
from spikewatch.ingest.domain.classification import DECLARED, NOT_RECOGNISED, OTHER_STATED, UNLISTED, Classifier
from spikewatch.ingest.domain.vocabulary import Listed

__all__ = ["NO_DEFINITION_MET", "Changes", "Reclassification"]

NO_DEFINITION_MET: Final = QualityNote(field="withdrawn", code="no_definition_met")
"""Marks a report that the definitions took back, not its agency: later ones may bring it back."""


class Reclassification:
    """Looks at stored reports again.

    Args:
        classifier: with the vocabulary and the definitions of today.
    """

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        vocabulary = classifier.vocabulary
        self._by_hash: dict[str, Listed] = {
            classifier.keyed_hash(name): listed for name, listed in vocabulary.names.items() if listed is not None
        }

    def of(self, report: Report) -> Report:
        """Return the report as it would be today, with its own revision; the report itself where nothing changes."""
        if report.withdrawn and NO_DEFINITION_MET not in report.quality:
            return report  # its agency took it back
        # Reports from before evidence was kept are all declared overdoses.
        evidence = report.evidence or Evidence(facts=(DECLARED,))
        drugs, unlisted, facts = self._drugs(report, evidence)
        now = evidence.model_copy(update={"unlisted": unlisted, "facts": facts})
        verdict = self._classifier.judge(report, now, drugs)
        is_report = verdict.is_reporting or DECLARED in facts
        notes = [note for note in report.quality if note not in {NOT_RECOGNISED, NO_DEFINITION_MET}]
        if unlisted:
            # Where it stood, so that nothing looks changed that is not.
            notes = [note for note in report.quality if note != NO_DEFINITION_MET]
        quality = (*notes,) if is_report else (*notes, NO_DEFINITION_MET)
        same = report.evidence is None and now == evidence
        change: Mapping[str, object] = {
            "drugs": drugs,
            "evidence": None if same else now,
            "case_definition_hits": verdict.names if is_report else (),
            "case_definitions": verdict.hits if is_report else (),
            "withdrawn": not is_report,
            "quality": quality,
        }
        made = report.model_copy(update=change)
        return report if made == report else made

    def _drugs(self, report: Report, evidence: Evidence) -> tuple[tuple[Drug, ...], tuple[str, ...], tuple[str, ...]]:
        keys: dict[Drug, None] = {}
        has_placeholder = bool(evidence.unlisted)
        for drug in report.drugs:
            if has_placeholder and drug == UNLISTED:
                continue
            keys[self._renewed(drug)] = None
        found = {hashed: self._by_hash[hashed] for hashed in evidence.unlisted if hashed in self._by_hash}
        for listed in found.values():
            keys[self._classifier.drug((listed.term, DrugBasis.SUSPECTED, None, None))] = None
        for code in evidence.codes:
            listed_code = self._classifier.substance_of(code)
            if listed_code is not None and all(drug.term != listed_code.term for drug in keys):
                keys[self._classifier.drug((listed_code.term, DrugBasis.SUSPECTED, None, None))] = None
        unlisted = tuple(hashed for hashed in evidence.unlisted if hashed not in found)
        facts = evidence.facts if unlisted else tuple(fact for fact in evidence.facts if fact != OTHER_STATED)
        if has_placeholder and (unlisted or OTHER_STATED in evidence.facts):
            keys[UNLISTED] = None
        return tuple(keys), unlisted, facts

    def _renewed(self, drug: Drug) -> Drug:
        vocabulary = self._classifier.vocabulary
        listed = vocabulary.listed.get(drug.term) or next(iter(vocabulary.named(drug.term) or ()), None)
        if listed is None:
            return drug
        return self._classifier.drug((listed.term, drug.basis, drug.code, drug.system))


@dataclass(slots=True)
class Changes:
    """What a reclassification would change, counted."""

    reports: int = 0
    changed: int = 0
    withdrawn: int = 0
    restored: int = 0
    definitions: dict[str, Counter[str]] = field(default_factory=dict)
    drugs: dict[str, Counter[str]] = field(default_factory=dict)

    def note(self, before: Report, after: Report) -> None:
        """Count one report."""
        self.reports += 1
        if after is before:
            return
        self.changed += 1
        self.withdrawn += after.withdrawn and not before.withdrawn
        self.restored += before.withdrawn and not after.withdrawn
        old, new = _by_id(before.case_definition_hits), _by_id(after.case_definition_hits)
        for name in old.keys() | new.keys():
            way = "lost" if name not in new else "gained" if name not in old else "renewed"
            if old.get(name) != new.get(name):
                self.definitions.setdefault(name, Counter())[way] += 1
        was, now = {drug.term for drug in before.drugs}, {drug.term for drug in after.drugs}
        for term in was ^ now:
            self.drugs.setdefault(term, Counter())["gained" if term in now else "lost"] += 1
        kinds = {drug.term: drug.drug_class for drug in before.drugs}
        for drug in after.drugs:
            if drug.term in kinds and kinds[drug.term] is not drug.drug_class:
                self.drugs.setdefault(drug.term, Counter())["reclassed"] += 1

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "reports": self.reports,
            "changed": self.changed,
            "withdrawn": self.withdrawn,
            "restored": self.restored,
            "definitions": [
                {"definition": name, **{way: counts[way] for way in ("gained", "lost", "renewed")}}
                for name, counts in sorted(self.definitions.items())
            ],
            "drugs": [
                {"drug": term, **{way: counts[way] for way in ("gained", "lost", "reclassed")}}
                for term, counts in sorted(self.drugs.items())
            ],
        }


def _by_id(hits: Iterable[str]) -> dict[str, str]:
    return {hit.partition("@")[0]: hit for hit in hits}

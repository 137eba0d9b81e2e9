"""Classification: names, codes and texts become drugs, evidence and the case definitions that are met. Texts end here."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from spikewatch.contracts.report import Code, DefinitionHit, Drug, Evidence, QualityNote, Report, Term
from spikewatch.contracts.vocabulary import DrugBasis, DrugClass, SourceType
from spikewatch.ingest.domain.definitions import Definitions, Subject
from spikewatch.ingest.domain.evidence import Found, Named, Statement
from spikewatch.ingest.domain.feeds.feed import Feed, NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.record import Fields
from spikewatch.ingest.domain.vocabulary import DRUG, Listed, Vocabulary, normal_name

__all__ = ["DECLARED", "NOT_RECOGNISED", "OTHER_STATED", "TEXT_ROLES", "UNLISTED", "Classifier", "Verdict", "interpret", "withdrawn"]

DECLARED: Final = "declared_overdose"
OTHER_STATED: Final = "other_substance_stated"  # beside names that are not listed
NOT_RECOGNISED: Final = QualityNote(field="drugs", code="not_recognised")
UNLISTED: Final = Drug(term="other", drug_class=DrugClass.OTHER)
"""Stands for a name that the vocabulary does not list: it may hold anything, a person's name too, and is not carried on."""
TEXT_ROLES: Final = frozenset(
    {
        "chief_complaint", "narrative", "cause_of_death", "other_conditions", "injury_description", "dispatch_title", "dispatch_complaint",
        "impression_text", "diagnosis_text",
    }
)  # fmt: skip
_CAUSES: Final = frozenset({"cause_of_death", "other_conditions", "injury_description"})  # of the dead: what is named there harmed them
_MOST_KEPT: Final = 64  # codes, terms, drugs and unlisted names of one report at most: no record of one person says more
_CACHED: Final = 8192
_NOT_YET: Final[Mapping[str, object]] = {}

DrugKey = tuple[str, DrugBasis, str | None, str | None]
_Cached = tuple["Verdict", Evidence]
_Change = Mapping[str, object]
_Stated = tuple[Listed, str, DrugBasis | None]  # what a text names, the text's role, and what a drug named in it rests on


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the case definitions say of a subject."""

    hits: tuple[DefinitionHit, ...]
    names: tuple[str, ...]
    is_reporting: bool


class Classifier:
    """Classifies readings.

    Args:
        vocabulary: the drug vocabulary.
        definitions: the case definitions.
        keyed_hash: gives 16 hex digits for a name that is not listed.
    """

    def __init__(self, vocabulary: Vocabulary, definitions: Definitions, keyed_hash: Callable[[str], str]) -> None:
        self.vocabulary = vocabulary
        self.definitions = definitions
        self.keyed_hash = keyed_hash
        self._drugs: dict[DrugKey, Drug] = {}
        self._known: dict[object, _Cached] = {}
        self._changes: dict[object, _Change | None] = {}
        self._kept: dict[tuple[str, str, str], bool] = {}

    def classify(self, reading: Reading, _source: Source | None = None) -> Reading | NotAnOverdose:
        """Return the reading with drugs, hits and evidence; undeclared and meeting no reporting definition it is no overdose."""
        report, found = reading.report, reading.found
        stated = self._stated(found.statements) if found.statements else ()
        if found.statements and found.codes:  # such records are hardly ever equal
            change = self._change(report, found, stated, is_declared=reading.is_declared)
        else:
            key = (report.source_type._value_, report.drugs, found.names, found.codes, found.facts, stated, reading.is_declared)
            change = self._changes.get(key, _NOT_YET)
            if change is _NOT_YET:
                change = self._change(report, found, stated, is_declared=reading.is_declared)
                # Nothing is remembered that may hold more than a name of the vocabulary: it may be anything, a person's name too.
                if all(named.code is None and self.vocabulary.lists(named.name) for named in found.names):
                    if len(self._changes) >= _CACHED:
                        self._changes.clear()
                    self._changes[key] = change
        if change is None:
            return NotAnOverdose(withdrawn(report), reading.stated_revision)
        return Reading(report.changed(**change), reading.stated_revision, is_declared=reading.is_declared)

    def _stated(self, statements: Iterable[Statement]) -> tuple[_Stated, ...]:
        """Return what texts name, each once. Here they end."""
        stated: dict[_Stated, None] = {}
        for role, text, drugs_are in statements:
            known = role if role in TEXT_ROLES else "narrative"
            for listed in self.vocabulary.scan(text, is_cause=known in _CAUSES):
                stated[listed, known, drugs_are] = None
        return tuple(stated)

    def _change(self, report: Report, found: Found, stated: Iterable[_Stated], *, is_declared: bool) -> _Change | None:
        """Return what becomes of a report's drugs, hits and evidence; None: it is no overdose."""
        keys: dict[DrugKey, None] = {}
        unlisted = self._names(found.names, keys)
        terms: dict[tuple[Listed, str], None] = {}
        for listed, role, drugs_are in stated:
            terms[listed, role] = None
            if drugs_are is not None and listed.kind == DRUG:
                keys[listed.term, drugs_are, None, None] = None
        codes = self._codes(found.codes, keys) if found.codes else ()
        facts = found.facts | {DECLARED} if is_declared else found.facts
        drugs = self._resolved(keys)
        if report.drugs:
            drugs = tuple(dict.fromkeys((*report.drugs, *drugs)))
        verdict, evidence = self._judge(report.source_type, drugs, codes, tuple(terms)[:_MOST_KEPT], facts)
        if not is_declared and not verdict.is_reporting:
            return None
        change: dict[str, object] = {"evidence": evidence, "case_definition_hits": verdict.names, "case_definitions": verdict.hits}
        if unlisted:
            if UNLISTED in drugs:  # stated too: it stays when a later vocabulary lists the others
                evidence = evidence.model_copy(update={"facts": (*evidence.facts, OTHER_STATED)})
            change["evidence"] = evidence.model_copy(update={"unlisted": unlisted})
            change["quality"] = (*report.quality, NOT_RECOGNISED)
            drugs = tuple(dict.fromkeys((*drugs, UNLISTED)))
        change["drugs"] = drugs
        return change

    def judge(self, report: Report, evidence: Evidence, drugs: tuple[Drug, ...]) -> Verdict:
        """Return what the definitions say of a stored report's evidence."""
        listed = self.vocabulary.listed
        terms = tuple((listed[term.term], term.role) for term in evidence.terms if term.term in listed)
        named = tuple(drug for drug in drugs if drug != UNLISTED or not evidence.unlisted or OTHER_STATED in evidence.facts)
        return self._judge(report.source_type, named, evidence.codes, terms, frozenset(evidence.facts))[0]

    def drug(self, key: DrugKey) -> Drug:
        """Return the drug of a term as the vocabulary classes it now."""
        known = self._drugs.get(key)
        if known is None:
            term, basis, code, system = key
            listed = self.vocabulary.listed.get(term)
            kind = listed.drug_class if listed is not None else DrugClass.UNKNOWN
            known = self._drugs[key] = Drug(term=term, code=code, system=system, drug_class=kind, basis=basis)
        return known

    def substance_of(self, code: Code) -> Listed | None:
        """Return the substance that a kept code says was taken; a medicine that a crew gave is none."""
        return None if code.system == "rxnorm" else self.vocabulary.coded(code.system, code.code)

    def _names(self, names: Iterable[Named], keys: dict[DrugKey, None]) -> tuple[str, ...]:
        unlisted: dict[str, None] = {}
        for named in names:
            listed = self.vocabulary.named(named.name)
            coded = self.vocabulary.coded(named.system, named.code) if named.code and named.system else None
            if listed is None:
                if coded is None:
                    unlisted[self.keyed_hash(normal_name(named.name))] = None
                    continue
                listed = (coded,)
            # A code that the vocabulary does not list may be anything: it stays behind.
            code, system = (named.code, named.system) if coded is not None else (None, None)
            for drug in listed:
                keys[drug.term, named.basis, code, system] = None
        return tuple(unlisted)[:_MOST_KEPT]

    def _codes(self, codes: Iterable[Code], keys: dict[DrugKey, None]) -> tuple[Code, ...]:
        kept = [code for code in dict.fromkeys(codes) if self._keeps(code)][:_MOST_KEPT]
        for code in kept:
            if (listed := self.substance_of(code)) is not None:
                keys.setdefault((listed.term, DrugBasis.SUSPECTED, None, None))
        return tuple(kept)

    def _keeps(self, code: Code) -> bool:
        key = (code.system, code.code, code.role)
        known = self._kept.get(key)
        if known is None:
            if len(self._kept) >= _CACHED:
                self._kept.clear()
            known = self._kept[key] = self.definitions.keeps(code)
        return known

    def _resolved(self, keys: Iterable[DrugKey]) -> tuple[Drug, ...]:
        return tuple(self.drug(key) for key in keys)[:_MOST_KEPT]

    def _judge(
        self,
        source_type: SourceType,
        drugs: tuple[Drug, ...],
        codes: tuple[Code, ...],
        terms: tuple[tuple[Listed, str], ...],
        facts: frozenset[str],
    ) -> _Cached:
        # Most records say one of few things, so the definitions are asked once for each. No text is part of the key.
        key = (
            source_type._value_,
            tuple((drug.term, drug.drug_class._value_, drug.basis._value_) for drug in drugs),
            tuple((code.system, code.code, code.role) for code in codes),
            terms,
            facts,
        )
        known = self._known.get(key)
        if known is None:
            hits, is_reporting = self.definitions.met(Subject(codes, terms, drugs, facts, source_type))
            verdict = Verdict(hits, tuple(hit.definition for hit in hits), is_reporting)
            evidence = Evidence(
                vocabulary=self.vocabulary.version,
                codes=codes,
                terms=tuple(Term(term=listed.term, role=role) for listed, role in terms),
                facts=tuple(sorted(facts)),
            )
            if len(self._known) >= _CACHED:
                self._known.clear()
            known = self._known[key] = (verdict, evidence)
        return known


def withdrawn(report: Report) -> Report:
    """Return a report that takes back what its source record said before; it says nothing else of substances."""
    change: Mapping[str, object] = {"withdrawn": True, "drugs": (), "case_definition_hits": (), "case_definitions": (), "evidence": None}
    return report.changed(**change)


def interpret(feed: Feed, fields: Fields, source: Source, classifier: Classifier) -> Reading | NotAnOverdose:
    """Read one record and classify it.

    Raises:
        Rejected: the record is wrong.
    """
    reading = feed.read(fields, source)
    if isinstance(reading, Reading):
        return classifier.classify(reading, source)
    if reading.report is None or reading.report.withdrawn:
        return reading
    return NotAnOverdose(withdrawn(reading.report), reading.stated_revision)

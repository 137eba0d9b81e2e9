"""The drug vocabulary as data: what substances are called, the class of each, and the words by which a text tells an overdose."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from spikewatch.contracts.vocabulary import DrugClass
from spikewatch.ingest.domain.numbered_yaml import Node, parse
from spikewatch.ingest.domain.text_scan import Negations, Scanner, folded, tokens_of

__all__ = ["CLASSES_ABOVE", "DRUG", "Listed", "Vocabulary", "load_vocabulary"]

DRUG: Final = "drug"
KINDS: Final = ("overdose", "sign", "exclusion", "other_poisoning", "reversal")
CLASSES_ABOVE: Final[Mapping[DrugClass, DrugClass]] = {
    DrugClass.HEROIN: DrugClass.OPIOID,
    DrugClass.FENTANYL: DrugClass.OPIOID,
    DrugClass.COCAINE: DrugClass.STIMULANT,
    DrugClass.METHAMPHETAMINE: DrugClass.STIMULANT,
}
"""The class that another one lies in: heroin is an opioid."""

K = TypeVar("K")

_SYSTEMS: Final = ("icd10cm", "icd9cm", "rxnorm", "loinc", "snomed", "unii")
_LONGEST_NAME: Final = 256
_SHORTEST_GLUED: Final = 6  # letters: shorter stems stand inside words that mean something else


@dataclass(frozen=True, slots=True, eq=False)  # compared and hashed as the one object it is: that is fast
class Listed:
    """One entry of the vocabulary.

    Attributes:
        term: the name that reports carry.
        kind: ``drug`` or the kind of the word.
        drug_class: of a drug.
        is_medicine: crews give it too.
    """

    term: str
    kind: str
    drug_class: DrugClass = DrugClass.UNKNOWN
    is_medicine: bool = False


@dataclass(slots=True)
class Vocabulary:
    """The loaded vocabulary. Read-only after it is made."""

    version: int
    listed: Mapping[str, Listed]
    scanner: Scanner[Listed]
    names: dict[str, Listed | None] = field(default_factory=dict)
    codes: dict[str, dict[str, Listed]] = field(default_factory=dict)

    def named(self, name: str) -> tuple[Listed, ...] | None:
        """Return the substances that a field's value names, or None when it names none that is listed.

        A value that says that there is none (``N/A``) gives an empty tuple.
        """
        key = normal_name(name)
        names = self.names
        if key in names:
            known = names[key]
            return () if known is None else (known,)
        found = tuple(dict.fromkeys(hit for hit in self.scanner.scan(name[:_LONGEST_NAME]) if hit.kind == DRUG))
        return found or None

    def coded(self, system: str, code: str) -> Listed | None:
        """Return the substance that a code stands for: poisoning codes of ICD, RxNorm, LOINC, SNOMED, UNII."""
        codes = self.codes.get("icd10cm" if system == "icd10" else system)
        if codes is None:
            return None
        code = code.strip().upper()
        if not system.startswith("icd"):
            return codes.get(code)
        code = code.replace(".", "")
        if code.startswith("T") and not _is_first_poisoning(code):
            return None
        for length in range(len(code), 2, -1):
            if (found := codes.get(code[:length])) is not None:
                return found
        return None

    def scan(self, text: str) -> tuple[Listed, ...]:
        """Return what a text names and does not negate, in the order it stands there, each once."""
        return tuple(dict.fromkeys(self.scanner.scan(text)))


def normal_name(name: str) -> str:
    """Return a name without case, accents and needless blanks: what is looked up, and hashed."""
    return " ".join((name if name.isascii() else folded(name)).lower().split())


def _is_first_poisoning(code: str) -> bool:
    """Tell whether a T code without dots is a poisoning (intent 1 to 4) at its first encounter, or too short to say otherwise."""
    intent = code[5:6] if code[5:6].isdecimal() else code[4:5] if code[5:6] == "X" else ""
    return (not intent or intent in "1234") and code[6:7] in {"", "A"}


def load_vocabulary(text: str, name: str) -> Vocabulary:
    """Read a vocabulary.

    Args:
        text: of the YAML file.
        name: of the file, for errors.

    Raises:
        WrongData: the file is wrong; the error names the line.
    """
    root = parse(text, name).mapping(("version", "drugs", "words", "negations"), ("nothing",))
    listed: dict[str, Listed] = {}
    names: dict[str, Listed] = {}
    codes: dict[str, dict[str, Listed]] = {system: {} for system in _SYSTEMS}
    phrases: dict[tuple[str, ...], Listed] = {}
    for term, node in root["drugs"].mapping().items():
        entry = node.mapping(("class",), ("spellings", "names", "medicine", "fields_only", "codes"))
        drug = Listed(
            term,
            DRUG,
            DrugClass(entry["class"].word([kind.value for kind in DrugClass])),
            is_medicine="medicine" in entry and entry["medicine"].flag(),
        )
        _add_entry(listed, node, drug)
        is_in_texts = not ("fields_only" in entry and entry["fields_only"].flag())
        for part, spelling in _spellings(term, entry, node):
            if is_in_texts:
                _add_phrase(phrases, part, spelling, drug)
            _add_name(names, part, spelling, drug)
        for part in entry["names"].items() if "names" in entry else ():
            _add_name(names, part, part.text(), drug)
        for system, part in entry["codes"].mapping((), _SYSTEMS).items() if "codes" in entry else ():
            for code in part.items():
                _add(codes[system], code.text().upper(), drug, code)
    for term, node in root["words"].mapping().items():
        entry = node.mapping(("kind",), ("spellings",))
        word = Listed(term, entry["kind"].word(KINDS))
        _add_entry(listed, node, word)
        for part, spelling in _spellings(term, entry, node):
            _add_phrase(phrases, part, spelling, word)
    nothing = {normal_name(part.text()): None for part in root["nothing"].items()} if "nothing" in root else {}
    stems = {
        phrase[0]: hit
        for phrase, hit in phrases.items()
        if len(phrase) == 1
        and len(phrase[0]) >= _SHORTEST_GLUED
        and hit.kind in {DRUG, "overdose"}
        and hit.drug_class is not DrugClass.ALCOHOL
    }
    scanner = Scanner(
        phrases,
        stems,
        _negations(root["negations"]),
        earlier=frozenset(entry for entry in listed.values() if entry.kind == "overdose"),
        medicines=frozenset(entry for entry in listed.values() if entry.is_medicine),
    )
    return Vocabulary(root["version"].whole(), listed, scanner, {**nothing, **names}, codes)


def _spellings(term: str, entry: Mapping[str, Node], node: Node) -> list[tuple[Node, str]]:
    return [(node, term), *((part, part.text()) for part in (entry["spellings"].items() if "spellings" in entry else ()))]


def _add_entry(listed: dict[str, Listed], node: Node, entry: Listed) -> None:
    if entry.term in listed:
        raise node.wrong(f"{entry.term!r} is a drug and a word", "it once")
    if len(entry.term) > 64 or entry.term != normal_name(entry.term):
        raise node.wrong(f"{entry.term!r} is no term", "lower case, at most 64 characters")
    listed[entry.term] = entry


def _add_phrase(phrases: dict[tuple[str, ...], Listed], node: Node, spelling: str, entry: Listed) -> None:
    phrase = tokens_of(spelling)
    if not phrase:
        raise node.wrong("has no letter", "a word")
    _add(phrases, phrase, entry, node)


def _add_name(names: dict[str, Listed], node: Node, spelling: str, entry: Listed) -> None:
    _add(names, normal_name(spelling), entry, node)


def _add(known: dict[K, Listed], key: K, entry: Listed, node: Node) -> None:
    before = known.setdefault(key, entry)
    if before is not entry:
        raise node.wrong(f"{key!r} stands under {before.term!r} already", "it under one entry")


def _negations(node: Node) -> Negations:
    entry = node.mapping(("before", "after", "ends", "earlier", "given", "doses"), ())
    sides: dict[str, dict[tuple[str, ...], int]] = {}
    for side in ("before", "after"):
        sides[side] = {}
        for part in entry[side].items():
            rule = part.mapping(("cues", "reach"), ())
            for cue in rule["cues"].texts():
                sides[side][tokens_of(cue)] = rule["reach"].whole()
    return Negations(
        before=sides["before"],
        after=sides["after"],
        earlier={tokens_of(cue): 4 for cue in entry["earlier"].texts()},
        ends=frozenset(entry["ends"].texts()),
        given=frozenset(entry["given"].texts()),
        doses=frozenset(entry["doses"].texts()),
    )

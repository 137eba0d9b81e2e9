"""The drug vocabulary as data: what substances are called, the class of each, and the words by which a text tells an overdose."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from spikewatch.contracts.vocabulary import DrugClass
from spikewatch.ingest.domain.numbered_yaml import Node, parse
from spikewatch.ingest.domain.text_scan import Doubtful, Negations, Scanner, folded, tokens_of

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
_SHORTEST_WORD: Final = 3  # letters of a drug's name in a text: a shorter one is an initial, a unit or a number of hours
_LONGEST_OF_CODE: Final = 3  # letters or digits in a row
_HARMLESS: Final = "harmless"
_SHORTEST_GLUED: Final = 6  # letters: shorter stems stand inside words that mean something else


@dataclass(frozen=True, slots=True, eq=False)  # compared and hashed as the one object it is: that is fast
class Listed:
    """One entry of the vocabulary.

    Attributes:
        term: the name that reports carry.
        kind: ``drug`` or the kind of the word.
        drug_class: of a drug.
        is_medicine: crews give it too.
        is_everyday: most who take it take it as they should: named in a text it says little.
    """

    term: str
    kind: str
    drug_class: DrugClass = DrugClass.UNKNOWN
    is_medicine: bool = False
    is_everyday: bool = False


_NOTHING: Final = Listed("", _HARMLESS)
"""Stands for words of another meaning: ``ice pack``."""


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
        found = tuple(dict.fromkeys([hit for hit in self.scanner.scan(name[:_LONGEST_NAME]) if hit.kind == DRUG]))
        return found or None

    def lists(self, name: str) -> bool:
        """Tell whether a field's value is a name of the vocabulary as it stands, and nothing beside it."""
        return normal_name(name) in self.names

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

    def scan(self, text: str, *, is_cause: bool = False) -> tuple[Listed, ...]:
        """Return what a text names and does not negate, in the order it stands there, each once.

        Args:
            text: what is read.
            is_cause: it names what harmed somebody (a cause of death), so that everyday medicines count wherever they stand.
        """
        return tuple(dict.fromkeys([hit for hit in self.scanner.scan(text, is_cause=is_cause) if hit.kind != _HARMLESS]))


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
    root = parse(text, name).mapping(("version", "drugs", "words", "negations"), ("nothing", "harmless", "doubtful"))
    listed: dict[str, Listed] = {}
    names: dict[str, Listed] = {}
    codes: dict[str, dict[str, Listed]] = {system: {} for system in _SYSTEMS}
    phrases: dict[tuple[str, ...], Listed] = {}
    codes_in_texts: dict[tuple[str, ...], re.Pattern[str]] = {}
    slang: dict[str, Listed] = {}
    for term, node in root["drugs"].mapping().items():
        entry = node.mapping(("class",), ("spellings", "slang", "names", "medicine", "everyday", "fields_only", "codes"))
        drug = Listed(
            term,
            DRUG,
            DrugClass(entry["class"].word([kind.value for kind in DrugClass])),
            is_medicine="medicine" in entry and entry["medicine"].flag(),
            is_everyday="everyday" in entry and entry["everyday"].flag(),
        )
        _add_entry(listed, node, drug)
        is_in_texts = not ("fields_only" in entry and entry["fields_only"].flag())
        for part, spelling in _spellings(term, entry, node):
            if is_in_texts:
                _add_drug_phrase(phrases, codes_in_texts, part, spelling, drug)
            _add_name(names, part, spelling, drug)
        for part in entry["slang"].items() if "slang" in entry else ():
            _add(slang, _one_word(part), drug, part)
            _add_name(names, part, part.text(), drug)
        for part in entry["names"].items() if "names" in entry else ():
            _add_name(names, part, part.text(), drug)
        for system, part in entry["codes"].mapping((), _SYSTEMS).items() if "codes" in entry else ():
            for code in part.items():
                _add(codes[system], code.text().upper(), drug, code)
    _add_words(root, listed, phrases)
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
        doubtful=_doubtful(root.get("doubtful"), listed, slang, codes_in_texts),
    )
    return Vocabulary(root["version"].whole(), listed, scanner, {**nothing, **names}, codes)


def _add_words(root: Mapping[str, Node], listed: dict[str, Listed], phrases: dict[tuple[str, ...], Listed]) -> None:
    for term, node in root["words"].mapping().items():
        entry = node.mapping(("kind",), ("spellings",))
        word = Listed(term, entry["kind"].word(KINDS))
        _add_entry(listed, node, word)
        for part, spelling in _spellings(term, entry, node):
            _add_phrase(phrases, part, spelling, word)
    for part in root["harmless"].items() if "harmless" in root else ():
        _add_phrase(phrases, part, part.text(), _NOTHING)


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


def _add_drug_phrase(
    phrases: dict[tuple[str, ...], Listed], codes: dict[tuple[str, ...], re.Pattern[str]], node: Node, spelling: str, drug: Listed
) -> None:
    if spelling.count("(") != spelling.count(")"):
        raise node.wrong(f"{spelling!r} has one bracket of two", "it in quotes where it holds a comma")
    phrase = tokens_of(spelling)
    words = [word for word in phrase if not word.isdecimal()]
    numbers = [word for word in phrase if word.isdecimal()]
    is_code = bool(numbers and words) and all(len(word) <= _LONGEST_OF_CODE for word in phrase)
    is_word = any(len(word) >= _SHORTEST_WORD for word in words) or (words and any(len(word) > _LONGEST_OF_CODE for word in numbers))
    if not (is_code or is_word):
        expected = f"{_SHORTEST_WORD} letters, or letters and digits in one; else under names; in quotes where it holds a comma"
        raise node.wrong(f"{spelling!r} is too short to be looked for in texts", expected)
    if is_code:
        # As it is written, or with its hyphens left out; a blank or a decimal point makes a number of it.
        form = re.escape(normal_name(spelling)).replace(r"\-", "-?")
        codes[phrase] = re.compile(rf"(?<![a-z0-9.]){form}(?![a-z0-9]|\.[0-9])")
    _add_phrase(phrases, node, spelling, drug)


def _one_word(node: Node) -> str:
    phrase = tokens_of(node.text())
    if len(phrase) != 1 or len(phrase[0]) < _SHORTEST_WORD or phrase[0].isdecimal():
        raise node.wrong(f"{node.text()!r} is no word of slang", f"one word of at least {_SHORTEST_WORD} letters; others under spellings")
    return phrase[0]


def _doubtful(
    node: Node | None,
    listed: Mapping[str, Listed],
    slang: Mapping[str, Listed],
    codes: Mapping[tuple[str, ...], re.Pattern[str]],
) -> Doubtful[Listed]:
    entry = node.mapping((), ("cues", "between", "beside", "taken", "much")) if node is not None else {}
    words = {key: part.texts() for key, part in entry.items()}
    beside = frozenset(words.get("beside", ()))
    drugs = (one for one in listed.values() if one.kind == DRUG and one.drug_class is not DrugClass.ALCOHOL and not one.is_everyday)
    return Doubtful(
        codes=codes,
        slang=slang,
        cues=frozenset(tokens_of(cue) for cue in words.get("cues", ())),
        between=frozenset(words.get("between", ())),
        vouching=frozenset(drugs) | {one for one in listed.values() if one.term in beside},
        everyday=frozenset(one for one in listed.values() if one.is_everyday),
        taken=frozenset(words.get("taken", ())),
        much=frozenset(words.get("much", ())),
        sick=frozenset(one for one in listed.values() if one.kind == "sign"),
        overdose=frozenset(one for one in listed.values() if one.kind == "overdose"),
    )


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

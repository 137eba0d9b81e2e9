"""Finds the words of a vocabulary in a text: case, accents, punctuation, glued words and negations. Nothing of the text is kept."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

__all__ = ["Doubtful", "Negations", "Scanner", "folded", "tokens_of"]

E = TypeVar("E")
Phrase = tuple[str, ...]
_Sought = tuple[Phrase, re.Pattern[str] | None, E]  # with the form that its text must have

_TOKENS: Final = re.compile(r"[a-z]+|[0-9]+|[.;!?\n]")
_STOPS: Final = frozenset(".;!?\n")
_LONGEST_TEXT: Final = 65_536  # characters: six times the longest narrative that NEMSIS allows
_NEAR: Final = 4  # words
_BETWEEN: Final = 3  # words from slang to its cue, at most
_JOINING: Final = frozenset({"and", "or", "n"})
_MANY: Final = 5  # pills: fewer are a dose
_NONE: Final[Mapping[str, list[Any]]] = {"": []}
_LONGEST_WORD: Final = 48  # letters: what is longer is no word
_LOOKALIKES: Final = str.maketrans(
    "авеикмнорстухіјѕіԁαεικνορτυχ",
    "abeukmnopctyxijsidaeiknoptux",
)
_SKIPPED: Final = dict.fromkeys((*range(0x300, 0x370), 0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF))


def folded(text: str) -> str:
    """Return the text in lower case without accents, invisible characters and letters that only look Latin."""
    return unicodedata.normalize("NFKD", text).translate(_SKIPPED).lower().translate(_LOOKALIKES)


def tokens_of(phrase: str) -> Phrase:
    """Return a phrase of the vocabulary as the words that are compared."""
    found = _TOKENS.findall(folded(phrase))
    while found and found[-1] in _STOPS:
        found.pop()
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Negations:
    """The words that take back what stands near them; the numbers are the words that may stand between."""

    before: Mapping[Phrase, int]
    after: Mapping[Phrase, int]
    earlier: Mapping[Phrase, int]
    ends: AbstractSet[str]
    given: AbstractSet[str]
    doses: AbstractSet[str]


@dataclass(frozen=True, slots=True)
class Doubtful(Generic[E]):
    """What counts only where the text around it says so.

    Attributes:
        codes: phrases such as ``k 2`` that count only where the text has their form (``K2``, not ``K 2.0``).
        slang: words with another, harmless meaning.
        cues: what makes the next word slang (``smoked``).
        between: words that may stand between slang and its cue, or another finding.
        vouching: entries beside which slang counts (``ice, heroin``).
        everyday: entries that most people take as they should.
        taken: words before an everyday entry that say that it was taken.
        much: words, beside numbers, that say that too much of it was.
        sick: entries that say that something is wrong; taken everyday entries count beside them.
        overdose: entries beside which everyday entries always count.
    """

    codes: Mapping[Phrase, re.Pattern[str]]
    slang: Mapping[str, E]
    cues: AbstractSet[Phrase]
    between: AbstractSet[str]
    vouching: AbstractSet[E]
    everyday: AbstractSet[E]
    taken: AbstractSet[str]
    much: AbstractSet[str]
    sick: AbstractSet[E]
    overdose: AbstractSet[E]


class Scanner(Generic[E]):
    """Finds phrases.

    Args:
        phrases: what is looked for; the longest at a place wins.
        stems: words that are found at either end of a longer word too (``heroinoverdose``).
        negations: the words that take back.
        earlier: entries that a cue such as "history of" takes back.
        medicines: entries that crews give.
        doubtful: what counts only where the text around it says so.
    """

    def __init__(
        self,
        phrases: Mapping[Phrase, E],
        stems: Mapping[str, E],
        negations: Negations,
        *,
        earlier: Collection[E],
        medicines: Collection[E],
        doubtful: Doubtful[E],
    ) -> None:
        self._doubtful = doubtful
        self._starts: dict[str, dict[str, list[_Sought[E]]]] = {}  # by the first word and the second, "" where it does not matter
        for phrase, entry in sorted(phrases.items(), key=lambda pair: len(pair[0])):
            behind = self._starts.setdefault(phrase[0], {"": []})
            second = phrase[1] if len(phrase) > 1 else ""
            behind[second] = [(phrase, doubtful.codes.get(phrase), entry), *behind.get(second, behind[""])]
        longest_first = sorted(stems.items(), key=lambda pair: -len(pair[0]))
        self._edge = min(map(len, stems), default=_LONGEST_WORD)
        self._heads: dict[str, list[tuple[str, E]]] = {}
        self._tails: dict[str, list[tuple[str, E]]] = {}
        for stem, entry in longest_first:
            self._heads.setdefault(stem[: self._edge], []).append((stem, entry))
            self._tails.setdefault(stem[-self._edge :], []).append((stem, entry))
        self._earlier = frozenset(earlier)
        self._medicines = frozenset(medicines)
        self._negations = negations
        self._before = _by_word(negations.before, last=True)
        self._past = _by_word(negations.earlier, last=True)
        self._after = _by_word(negations.after, last=False)
        self._words = frozenset(self._starts).union(doubtful.slang)
        # No cue without its longest word, which fewer texts have than "of" and "no".
        sides = (negations.before, negations.earlier, negations.after)
        self._telling = [frozenset(max(cue, key=len) for cue in side) for side in sides]
        self._takes_back = frozenset(negations.given).union(*self._telling)

    def scan(self, text: str, *, is_cause: bool = True) -> list[E]:
        """Return the entries that the text states, in order; an entry may come again.

        Args:
            text: what is read.
            is_cause: it names what harmed somebody, so that everyday entries count too.
        """
        text = text[:_LONGEST_TEXT]
        text = text.lower() if text.isascii() else folded(text)
        tokens = _TOKENS.findall(text)
        hits = self._hits(text, tokens)
        if not is_cause and any(entry in self._doubtful.everyday for _, _, entry in hits):
            return list(self._without_everyday(tokens, hits))
        return [entry for _, _, entry in self._stated(tokens, hits)]

    def _stated(self, tokens: Sequence[str], hits: list[tuple[int, int, E]]) -> list[tuple[int, int, E]]:
        if not hits or self._takes_back.isdisjoint(tokens):  # as in most texts
            return hits
        cues = tuple(not words.isdisjoint(tokens) for words in self._telling)
        covered = {place for start, end, _ in hits for place in range(start, end)}
        return [hit for hit in hits if not self._is_taken_back(tokens, *hit, covered, cues)]

    def _without_everyday(self, tokens: Sequence[str], hits: list[tuple[int, int, E]]) -> Iterator[E]:
        doubtful = self._doubtful
        stated = self._stated(tokens, hits)
        has_overdose = any(entry in doubtful.overdose for _, _, entry in stated)
        is_sick = any(entry in doubtful.sick for _, _, entry in stated)
        for start, end, entry in stated:
            if entry not in doubtful.everyday or has_overdose or self._is_misused(tokens, start, end, is_sick=is_sick):
                yield entry

    def _is_misused(self, tokens: Sequence[str], start: int, end: int, *, is_sick: bool) -> bool:
        """Tell whether an everyday entry was taken by somebody who is unwell since, or too much of it."""
        before = tokens[max(start - _NEAR, 0) : end]  # the entry may hold the word itself: "took too many pills"
        if self._doubtful.taken.isdisjoint(before):
            return False
        if "for" in tokens[end : end + _NEAR]:
            return False  # "took tylenol for fever"
        return is_sick or any(token in self._doubtful.much or (token.isdecimal() and int(token[:4]) >= _MANY) for token in before)

    def _hits(self, text: str, tokens: Sequence[str]) -> list[tuple[int, int, E]]:
        hits: list[tuple[int, int, E]] = []
        doubtful: list[tuple[int, E]] = []
        starts, edge, heads, tails, words = self._starts, self._edge, self._heads, self._tails, self._words
        slang = self._doubtful.slang
        # Most words of a text begin nothing that is looked for.
        places = [
            place
            for place, token in enumerate(tokens)
            if token in words or (len(token) >= edge and (token[:edge] in heads or token[-edge:] in tails))
        ]
        behind = 0
        for place in places:
            if place < behind:
                continue
            token = tokens[place]
            seconds = starts.get(token, _NONE)
            for phrase, form, entry in seconds.get(tokens[place + 1] if place + 1 < len(tokens) else "", seconds[""]):
                end = place + len(phrase)
                # Of two words both stand there.
                if (end < place + 3 or tuple(tokens[place:end]) == phrase) and (form is None or form.search(text)):
                    behind = end
                    hits.append((place, end, entry))
                    break
            else:
                if token in slang:
                    doubtful.append((place, slang[token]))
                elif (token[:edge] in heads or token[-edge:] in tails) and len(token) <= _LONGEST_WORD:
                    hits.extend((place, place + 1, entry) for entry in self._glued(token))
        return self._with_slang(tokens, hits, doubtful) if doubtful else hits

    def _with_slang(self, tokens: Sequence[str], hits: list[tuple[int, int, E]], doubtful: list[tuple[int, E]]) -> list[tuple[int, int, E]]:
        vouched = {place for start, end, entry in hits if entry in self._doubtful.vouching for place in range(start, end)}
        for place, entry in doubtful:
            if self._is_slang(tokens, place, vouched):
                hits.append((place, place + 1, entry))
                vouched.add(place)
        return sorted(hits, key=lambda hit: hit[0])

    def _is_slang(self, tokens: Sequence[str], place: int, vouched: AbstractSet[int]) -> bool:
        between, cues = self._doubtful.between, self._doubtful.cues
        first = place - 1
        while first >= 0 and first >= place - _BETWEEN:
            if first in vouched or (tokens[first],) in cues or tuple(tokens[max(first - 1, 0) : first + 1]) in cues:
                return True
            if tokens[first] not in between:
                break
            first -= 1
        after = place + 1
        if after < len(tokens) and tokens[after] in _JOINING:
            after += 1
        return after in vouched

    def _glued(self, token: str) -> list[E]:
        if token.startswith(("non", "anti")):
            return []
        heads, tails = self._heads.get(token[: self._edge], ()), self._tails.get(token[-self._edge :], ())
        first = next((entry for stem, entry in heads if token.startswith(stem)), None)
        last = next((entry for stem, entry in tails if token.endswith(stem)), None)
        return [entry for entry in (first, last) if entry is not None]

    def _is_taken_back(
        self, tokens: Sequence[str], start: int, end: int, entry: E, covered: AbstractSet[int], cues: tuple[bool, ...]
    ) -> bool:
        has_before, has_past, has_after = cues
        if has_before and self._reaches(self._before, tokens, start, covered):
            return True
        if has_past and entry in self._earlier and self._reaches(self._past, tokens, start, covered):
            return True
        if has_after and self._is_followed(tokens, end):
            return True
        return entry in self._medicines and self._is_given(tokens, start, end)

    def _reaches(self, cues: Mapping[str, list[tuple[Phrase, int]]], tokens: Sequence[str], start: int, covered: AbstractSet[int]) -> bool:
        between = 0
        for place in range(start - 1, max(start - 24, -1), -1):
            token = tokens[place]
            if token in _STOPS:
                return False
            if place in covered:
                continue  # other findings of the same list: "denies heroin, fentanyl or cocaine"
            for cue, reach in cues.get(token, ()):
                if between <= reach and (len(cue) == 1 or tuple(tokens[max(place - len(cue) + 1, 0) : place + 1]) == cue):
                    return True
            if token in self._negations.ends:
                return False
            between += 1
            if between > 8:
                return False
        return False

    def _is_followed(self, tokens: Sequence[str], end: int) -> bool:
        for between, place in enumerate(range(end, min(end + 4, len(tokens)))):
            token = tokens[place]
            if token in _STOPS:
                return False
            for cue, reach in self._after.get(token, ()):
                if between <= reach and tuple(tokens[place : place + len(cue)]) == cue:
                    # "heroin negative for" begins what comes, it does not end what was
                    return place + len(cue) >= len(tokens) or tokens[place + len(cue)] != "for"
        return False

    def _is_given(self, tokens: Sequence[str], start: int, end: int) -> bool:
        given, doses = self._negations.given, self._negations.doses
        for places in (range(start - 1, max(start - 5, -1), -1), range(end, min(end + 4, len(tokens)))):
            for place in places:
                token = tokens[place]
                if token in given:
                    return True
                if not (token in doses or token.isdecimal()):
                    break
        return False


def _by_word(cues: Mapping[Phrase, int], *, last: bool) -> dict[str, list[tuple[Phrase, int]]]:
    found: dict[str, list[tuple[Phrase, int]]] = {}
    for cue, reach in cues.items():
        found.setdefault(cue[-1 if last else 0], []).append((cue, reach))
    return {word: sorted(pairs, key=lambda pair: -len(pair[0])) for word, pairs in found.items()}

"""Finds the streets that written words can mean: exact, run together, with words to spare, misspelt; each with what speaks against it.

A penalty is 0 when everything agrees. The steps are tried in this order and the first that finds something ends the search, because a
street that is written correctly is not a misspelling of another.
"""

from typing import Final, NamedTuple

from spikewatch.enrichment.domain.geocoding.spelling import Spelling
from spikewatch.enrichment.domain.geocoding.street_name import StreetName, normal_words, read_street
from spikewatch.enrichment.domain.geocoding.street_words import SAME_TYPES, STRONG_TYPES, TYPES, one_of
from spikewatch.enrichment.domain.geocoding.streets import Street, Streets

__all__ = ["CONFLICT", "REFUSED", "Finder", "Found"]

CONFLICT: Final = 0.3
"""From this penalty on something that was written is contradicted: EVANS ST is not EVANS AVE."""
REFUSED: Final = 0.4
"""From this penalty on nothing is taken: two things are contradicted, or one that cannot be a slip."""

# Each is about how often the thing is wrong in dispatch files compared with the others, on a scale on which 0.05 decides.
_TYPE_UNTOLD, _TYPE_EXTRA, _TYPE_ALIKE, _TYPE_OTHER = 0.03, 0.05, 0.02, 0.35
_KIND_OTHER: Final = 0.45  # EMBARCADERO CENTER is no street at all
_WAY_UNTOLD, _WAY_EXTRA, _WAY_MOVED, _WAY_OTHER = 0.10, 0.12, 0.02, 0.4
_WAY_TOLD: Final = 0.12
_SPACED, _GLUED, _LETTERS = 0.005, 0.02, (0.0, 0.12, 0.22)
_DROPPED: Final = 0.04
_LETTER: Final = 0.01
_FIRST_LETTER: Final = 0.06  # people seldom miss the first letter
_CORRECTED_UNTYPED: Final = 0.08
_SHORTEST_UNTYPED: Final = 7  # FERRY without a type is rather a landmark than PERRY ST
_SHORTEST_OTHER: Final = 6  # letters of a word that makes another name of one without a type
_MOST_DROPPED: Final = 8
_MISSING_WORD: Final = 0.04
_MOST_COMPARED: Final = 100
_KEPT: Final = 20_000  # names of streets of the index as they are written; nothing that is not a street's name is kept
# A numbered road without its class is any of these; one with its class may be filed without.
_ROUTES: Final = ("RT", "SR", "US", "I", "CR", "TR", "FM")


class Found(NamedTuple):
    """A street that words can mean."""

    penalty: float
    street: Street
    reasons: tuple[str, ...]


class Finder:
    """Looks streets up by what people wrote."""

    def __init__(self, streets: Streets, spelling: Spelling) -> None:
        self._by_key = streets.by_key
        self._glued = streets.glued
        self._spelling = spelling
        self._of_word = streets.of_word
        self._kept: dict[tuple[str, ...], list[Found]] = {}

    def find(self, words: list[str]) -> list[Found]:
        """Return the streets that the words can mean, best first; empty when there is none."""
        written = tuple(words)
        known = self._kept.get(written)
        if known is not None:
            return known
        name = read_street(words)
        if name is None:
            return []
        streets = self._by_key.get(name.key)
        if streets is not None:
            found = _weighed(name, streets, 0.0, ())
            if found[0].penalty < CONFLICT or len(words) == 1:
                if len(self._kept) >= _KEPT:
                    self._kept.clear()
                self._kept[written] = found
                return found
            # GREAT HIGHWAY LOWER may be a name with a word to spare rather than a direction that is contradicted.
            return sorted(found + self._glued_or_dropped(name, words), key=_penalty)
        found = self._glued_or_dropped(name, words)
        if found and found[0].penalty < CONFLICT:
            return found
        return sorted(found + (self._misspelt(name, words) or self._shortened(name) or self._after_letter(words)), key=_penalty)

    def alike(self, words: list[str]) -> list[Found]:
        """Return streets spelt nearly so, besides those spelt exactly so: HAYES ST for HAYS ST."""
        name = read_street(words)
        return [] if name is None else [one for one in self._near(name) if one.street.name.key != name.key]

    def is_known(self, words: list[str], *, typed: bool = False) -> bool:
        """Return whether a street is called exactly so; with ``typed`` only if its type is written too."""
        name = read_street(words)
        return name is not None and name.key in self._by_key and (not typed or bool(name.type))

    def _glued_or_dropped(self, name: StreetName, words: list[str]) -> list[Found]:
        if name.type == "ROUTE":
            return self._route(name) or self._route_of_branch(name)
        return self._run_together(name) or self._word_to_spare(words)

    def _route(self, name: StreetName) -> list[Found]:
        kind, _, number = name.words.partition(" ")
        others = _ROUTES if kind == "RT" else ("RT", "US", "I") if kind == "SR" else ("RT",)
        key = number.replace(" ", "")
        for other in others:
            if (streets := self._by_key.get(other + key)) is not None:
                return _weighed(name._replace(key=other + key, words=f"{other} {number}"), streets, 0.05, ("route_class_assumed",))
        return []

    def _route_of_branch(self, name: StreetName) -> list[Found]:
        """Take the route itself for its bypass or business route where the index has no such."""
        kind, number, *branch = name.words.split()
        if not branch or (streets := self._by_key.get(kind + number)) is None:
            return []
        return _weighed(name._replace(key=kind + number, words=f"{kind} {number}"), streets, _DROPPED, ("trailing_words_dropped",))

    def _run_together(self, name: StreetName) -> list[Found]:
        key = name.key
        if name.type and name.type not in STRONG_TYPES:
            words = normal_words([*name.words.split(), name.type], "")  # LAKE alone stays LAKE, in LAKE SHORE it is LK
            if (streets := self._by_key.get(words.replace(" ", ""))) is not None:
                whole = StreetName(words.replace(" ", ""), words, name.pre, "", name.post)  # BUENA VISTA has no type
                return _weighed(whole, streets, 0.0, ())
        for told, is_whole in ((key, False), (name.pre + key + name.post, True)):
            if (streets := self._glued.get(told)) is not None:
                # Directions in the letters need not be told again; those beside them do count.
                bare = name._replace(pre="", post="") if is_whole or not (name.pre or name.post) else name
                return sorted((_as_glued(bare, street) for street in streets), key=_penalty)
        # THE EMBARCADERONORTH ST: a direction that the street does not even have.
        for way in ("NORTH", "SOUTH", "EAST", "WEST"):
            if key.endswith(way) and (streets := self._by_key.get(key.removesuffix(way))) is not None:
                short = key.removesuffix(way)
                return _weighed(name._replace(key=short, words=short, post=way[0]), streets, _GLUED, ("name_run_together",))
        # CESARCHAVEZST: the type is run together with the name.
        for length in range(2, 0 if name.type else min(9, len(key) - 2)):
            kind = TYPES.get(key[-length:])
            if kind in STRONG_TYPES:
                streets = self._by_key.get(key[:-length]) or self._glued.get(key[:-length])
                if streets is not None:
                    told_name = name._replace(key=key[:-length], words=key[:-length], type=kind or "")
                    return _weighed(told_name, streets, _GLUED, ("name_run_together",))
        return []

    def _word_to_spare(self, words: list[str]) -> list[Found]:
        """Try without the last words, as long as what is left ends in a type or the words are no type themselves."""
        best: list[Found] = []
        for end in range(len(words) - 1, max(0, len(words) - 1 - _MOST_DROPPED), -1):
            name = read_street(words[:end])
            if name is None:
                continue
            streets = self._by_key.get(name.key) or (self._glued.get(name.key) if name.type else None)
            if streets is None:
                continue
            if not name.type and any(
                word in TYPES or word == "BLDG" or (len(word) >= _SHORTEST_OTHER and word.isalpha()) for word in words[end:]
            ):
                break  # VAN NESS SOMETHING AVE is not VAN NESS, EMBARCADERO CENTER not THE EMBARCADERO
            reasons = ("trailing_words_dropped",)
            best = _weighed(name, streets, _DROPPED if name.type else _DROPPED + 0.1, reasons)
            break
        if best and best[0].penalty < CONFLICT:
            return best
        for start in range(1, min(len(words), 4)):
            if words[start - 1] not in _SPARE_LEADS:
                break
            name = read_street(words[start:])
            if name is not None and (streets := self._by_key.get(name.key)) is not None:
                return _weighed(name, streets, _DROPPED, ("leading_words_dropped",))
        after = self._after_letter(words)
        return after if after and "name_corrected" not in after[0].reasons else best

    def _after_letter(self, words: list[str]) -> list[Found]:
        """Try without a unit's letter: 3991 A 17TH ST. It never comes here where a street is called A: that one has been found before."""
        if len(words) < 2 or not _is_letter(words[0]) or _is_letter(words[1]):
            return []  # one letter only, or a text of letters would be tried in every length
        reasons = ("unit_letter_dropped",)
        found = [one for one in self.find(words[1:]) if one.penalty < CONFLICT]
        return [one._replace(penalty=one.penalty + _LETTER, reasons=one.reasons + reasons) for one in found]

    def _misspelt(self, name: StreetName, words: list[str]) -> list[Found]:
        found = self._near(name)
        if found and found[0].penalty < CONFLICT:
            return found
        # 123 MISION ST SOMETHING: the words up to the first type.
        for at in range(1, len(words) - 1):
            if TYPES.get(words[at]) in STRONG_TYPES and (shorter := read_street(words[: at + 1])) is not None and shorter.type:
                more = self._near(shorter)
                if more:
                    return sorted(found + [one._replace(penalty=one.penalty + _DROPPED) for one in more], key=_penalty)
                break
        return found

    def _shortened(self, name: StreetName) -> list[Found]:
        """Take a street of which only some words were written: TERRY FRANCOIS BLVD for TERRY A FRANCOIS BLVD."""
        told = {word for word in name.words.split() if len(word) > 1}
        if not told or (len(told) == 1 and told <= TYPES.keys()):
            return []  # 12 BLVD is no ALEMANY BLVD OFF RAMP
        longest = max(told, key=len)
        found: list[Found] = []
        for key in self._of_word.get(longest, ())[:_MOST_COMPARED]:
            words = self._by_key[key][0].name.words.split()
            missing = len(words) - len(told)
            if 0 < missing <= 2 and told <= set(words):
                against = _MISSING_WORD * missing + (0.0 if len(told) > 1 else _MISSING_WORD)
                whole = name._replace(key=key, words=" ".join(words))
                found += _weighed(whole, self._by_key[key], against, ("name_shortened",))
        return sorted((one for one in found if one.penalty < CONFLICT or len(told) > 1), key=_penalty)

    def _near(self, name: StreetName) -> list[Found]:
        if not name.type and len(name.key) < _SHORTEST_UNTYPED:
            return []
        count, keys = self._spelling.near(name.key)
        found: list[Found] = []
        for key in keys:
            told = name._replace(key=key, words=key)
            against = _LETTERS[count] + (_FIRST_LETTER if key[0] != name.key[0] else 0.0) + (0.0 if name.type else _CORRECTED_UNTYPED)
            # A name that is corrected and contradicted as well is another street.
            found += [one for one in _weighed(told, self._by_key[key], against, ("name_corrected",)) if one.penalty < CONFLICT]
        return sorted(found, key=_penalty)


_SPARE_LEADS: Final = one_of("BLK BLOCK THE OLD BLACK OF ON AT NEAR UPPER LOWER")


def _is_letter(word: str) -> bool:
    return len(word) == 1 and word.isalpha()


def _penalty(found: Found) -> float:
    return found.penalty


def _weighed(name: StreetName, streets: list[Street], start: float, reasons: tuple[str, ...]) -> list[Found]:
    made: list[Found] = []
    for street in streets:
        its = street.name
        penalty, told = start, reasons
        if name.type != its.type:
            more, reason = _type_penalty(name.type, its.type)
            # Cities have a 25TH ST and a 25TH AVE; an EVANS ST is mostly a slip for EVANS AVE.
            penalty += _KIND_OTHER if more == _TYPE_OTHER and its.key[0].isdigit() else more
            told = (*told, reason)
        if name.pre != its.pre or name.post != its.post:
            more, reason = _way_penalty(name, its)
            penalty += more
            if reason:
                told = (*told, reason)
        if name.words != its.words:
            penalty += _SPACED
        made.append(Found(penalty, street, told))
    if len(made) > 1:
        made.sort(key=_penalty)
        if made[0].street.name == name:
            # VAN NESS AVE is there: whoever writes it does not mean SOUTH VAN NESS AVE, even if the number would fit there better.
            made[1:] = [one._replace(penalty=one.penalty + _WAY_TOLD) if one.street.name.type == name.type else one for one in made[1:]]
    return made


def _as_glued(name: StreetName, street: Street) -> Found:
    penalty, reasons = _GLUED + _type_penalty(name.type, street.name.type)[0], ("name_run_together",)
    if name.pre or name.post:
        more, reason = _way_penalty(name, street.name)
        return Found(penalty + more, street, (*reasons, reason) if reason and more else reasons)
    return Found(penalty, street, reasons)


def _type_penalty(told: str, its: str) -> tuple[float, str]:
    if told == its:
        return 0.0, ""
    if not told:
        return _TYPE_UNTOLD, "type_missing"
    if not its:
        return (_TYPE_EXTRA, "type_extra") if told in STRONG_TYPES else (_KIND_OTHER, "type_conflict")
    if its in SAME_TYPES.get(told, ()) or told in SAME_TYPES.get(its, ()):
        return _TYPE_ALIKE, "type_alike"
    return _TYPE_OTHER if told in STRONG_TYPES else _KIND_OTHER, "type_conflict"


def _way_penalty(name: StreetName, its: StreetName) -> tuple[float, str]:
    if name.type == "ROUTE" and its.type == "ROUTE":
        return 0.01, ""
    if name.pre == its.pre and name.post == its.post:
        return 0.0, ""
    if name.post and its.post and name.post != its.post and name.key.isdigit():
        return _WAY_OTHER, "direction_conflict"  # 300 EAST and 300 SOUTH cross
    told, have = {name.pre, name.post} - {""}, {its.pre, its.post} - {""}
    if told == have:
        return _WAY_MOVED, "direction_moved"
    if not told:
        return _WAY_UNTOLD * len(have), "direction_missing"
    if not have:
        return _WAY_EXTRA * len(told), "direction_extra"
    if told < have:
        return _WAY_UNTOLD / 2, "direction_missing"
    if have < told:
        return _WAY_EXTRA / 2, "direction_extra"
    return _WAY_OTHER, "direction_conflict"

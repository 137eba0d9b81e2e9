"""Writes a first profile from a table's header and some of its rows. It is a draft: people read it before it is used."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from spikewatch.contracts.vocabulary import TimeBasis
from spikewatch.ingest.domain.profiles.column_guess import Guess, Seen, guess
from spikewatch.ingest.domain.profiles.words import CLOSED

__all__ = ["Proposal", "propose"]

_SURE: Final = 0.5  # below it a guess is listed but not used
_NO_DATA: Final = frozenset({"personal", "home", "unused"})
_TEXTS: Final = {
    "cause_of_death": "toxicology", "other_conditions": "toxicology", "narrative": None, "chief_complaint": None, "impression_text": None,
    "dispatch_title": None,
}  # fmt: skip
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "sex": {"man": "male", "woman": "female", "unk": "unknown"},
    "reversal_given": {"1": "yes", "0": "no", "1.0": "yes", "0.0": "no", "unk": "unknown", "x": "yes", "narcan": "yes", "naloxone": "yes"},
    "reversal_before_ems": {"1": "yes", "0": "no", "unk": "unknown"},
    "reversal_response": {
        "better": "improved", "no change": "unchanged", "none": "unchanged", "no response": "unchanged", "worsened": "worse",
        "responsive": "improved",
    },
    "reversal_route": {"in": "intranasal", "nasal": "intranasal", "im": "intramuscular", "iv": "intravenous", "io": "intraosseous"},
    "reversal_by": {
        "bystander": "layperson", "civilian": "layperson", "family": "layperson", "law enforcement": "police",
        "pd": "police", "fd": "fire",
    },
    "outcome": {
        "dead": "fatal", "deceased": "fatal", "died": "fatal", "death": "fatal", "alive": "nonfatal", "survived": "nonfatal",
        "lived": "nonfatal",
        "non fatal": "nonfatal",
    },
    "disposition": {
        "treated, transported": "transported", "transported to hospital": "transported", "hospital": "transported",
        "refusal": "refused", "patient refused": "refused", "dead on scene": "died_on_scene", "doa": "died_on_scene", "arrested": "arrest",
        "treated and released": "released",
    },
    "age_band": {},
}  # fmt: skip
_MANNERS: Final = ("accident", "suicide", "homicide", "natural", "undetermined", "pending")
_BASIS_RANK: Final = (
    TimeBasis.INJURY, TimeBasis.PSAP_CALL, TimeBasis.DISPATCH, TimeBasis.ON_SCENE, TimeBasis.SYMPTOM_ONSET, TimeBasis.ARRIVAL,
    TimeBasis.DEATH, TimeBasis.REPORTED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Proposal:
    """A drafted profile.

    Attributes:
        text: the profile as YAML, with comments on what is still to be decided.
        guesses: what was made of each column, in the order of the file.
        warnings: sentences for people; none holds a value.
    """

    text: str
    guesses: tuple[Guess, ...]
    warnings: tuple[str, ...]


def propose(name: str, columns: Sequence[Seen], names_drug: Callable[[str], bool]) -> Proposal:
    """Draft a profile.

    Args:
        name: of the profile.
        columns: of the table, with the values of some rows.
        names_drug: tells whether a text is the name of a substance.
    """
    guesses = tuple(guess(seen, names_drug) for seen in columns)
    return _Draft(name, columns, guesses).proposal()


class _Draft:
    def __init__(self, name: str, columns: Sequence[Seen], guesses: tuple[Guess, ...]) -> None:
        self._name = name
        self._seen = {seen.header: seen for seen in columns}
        self._guesses = guesses
        self._used = [one for one in guesses if one.sure >= _SURE and one.field not in _NO_DATA]
        self._warnings: list[str] = []
        self._lines: list[str] = []

    def proposal(self) -> Proposal:
        for one in self._guesses:
            if one.field == "personal":
                self._warnings.append(
                    f"the column {_quoted(one.column)} seems to hold {one.why.removeprefix('its header says ')}: left out"
                )
            elif one.field == "home":
                self._warnings.append(f"the column {_quoted(one.column)} seems to be a home: left out, for a home is never the scene")
        self._put("# A draft. Read every line, then: spikewatch normalize --profile THIS.yaml --dry-run FILE")
        self._put(f"name: {self._name}", "version: 1", "base: columns")
        self._put("# time_zone: America/New_York # of times that have none; without it the agency's in the directory")
        is_dead = any(one.field in {"cause_of_death", "manner"} for one in self._used)
        if is_dead:
            self._put("source_type: me", "declared: false # the case definitions decide which deaths count")
        elif self._has("dispatch_title", "impression_text", "codes") and not self._has("reversal_given", "drugs", "drug_flag"):
            self._put("declared: false # the table seems to hold more than overdoses: the case definitions decide")
        else:
            self._put("declared: true # every row is an overdose; false where the table holds more than that")
        self._identity()
        self._times()
        self._place()
        self._words(is_dead=is_dead)
        self._substances()
        return Proposal("\n".join(self._lines) + "\n", self._guesses, tuple(self._warnings))

    def _put(self, *lines: str) -> None:
        self._lines.extend(lines)

    def _of(self, *fields: str) -> list[Guess]:
        return sorted((one for one in self._used if one.field in fields), key=lambda one: -one.sure)

    def _has(self, *fields: str) -> bool:
        return bool(self._of(*fields))

    def _identity(self) -> None:
        for one in self._of("incident_number", "cad_number"):
            values = self._seen[one.column].stated
            rows = len(self._seen[one.column].values)
            if values and len(values) == rows and len(set(values)) == rows:
                self._put(f"record_id: {_quoted(one.column)}")
                break
        else:
            parts = [
                one.column
                for one in self._used
                if one.field in {"occurred_at", "time_of_day", "lat", "lon", "address", "zip", "age", "sex"}
            ]
            self._warnings.append(
                "no column tells one row from another: the record id is a hash of several, so that a corrected cell makes another report"
            )
            self._put(f"record_id: {{columns: {_list(parts or list(self._seen)[:5])}, hash: true}}")
        number = self._of("incident_number")
        if number:
            self._put(f"incident_number: {_quoted(number[0].column)}")
        cad = self._of("cad_number")
        if cad:
            self._put(f"cad_number: {_quoted(cad[0].column)}")

    def _times(self) -> None:
        times = sorted(self._of("occurred_at"), key=lambda one: _BASIS_RANK.index(one.basis))
        clocks = self._of("time_of_day")
        if not times:
            self._warnings.append("no column holds a date that is understood: write occurred_at by hand")
            self._put("# occurred_at: {column: ?, formats: MM/DD/YYYY, basis: on_scene}")
            return
        self._put("occurred_at:")
        for position, one in enumerate(times[:3]):
            columns = [one.column]
            basis = one.basis
            if position == 0 and clocks and not any("HH" in pattern or "hh" in pattern for pattern in one.formats):
                columns.append(clocks[0].column)
                basis = clocks[0].basis if clocks[0].basis is not TimeBasis.REPORTED else basis
            if basis is TimeBasis.INJURY and not self._has("cause_of_death", "manner"):
                basis = TimeBasis.PSAP_CALL if self._has("cad_number") else TimeBasis.ON_SCENE
            self._put(
                f"  - columns: {_list(columns)}", f"    formats: {_list(one.formats)}", f"    basis: {basis.value} # which moment it is"
            )
            if any(_ends_in_midnight(value) for value in self._seen[one.column].stated):
                self._put("    midnight: date # some times are exactly midnight")

    def _place(self) -> None:
        parts = [
            (field, self._of(field)[0].column) for field in ("lat", "lon", "address", "city", "zip", "county_fips") if self._has(field)
        ]
        named = [field for field, _ in parts]
        if ("lat" in named) != ("lon" in named):
            parts = [part for part in parts if part[0] not in {"lat", "lon"}]
        if "lat" not in dict(parts) and self._has("point_in"):
            parts.insert(0, ("point_in", self._of("point_in")[0].column))
        if not parts:
            self._warnings.append("no column says where it happened: reports get the agency's home county")
            return
        self._put("place:")
        self._put(*(f"  {field}: {_quoted(column)}" for field, column in parts))
        if "lat" in dict(parts):
            self._put("  # precision: block # where the points were moved on purpose, or are centres of streets or towns")

    def _words(self, *, is_dead: bool) -> None:
        if is_dead:
            self._put("outcome: {constant: fatal}")
        for field in (
            "outcome",
            "disposition",
            "sex",
            "age_band",
            "reversal_given",
            "reversal_response",
            "reversal_route",
            "reversal_by",
            "reversal_before_ems",
        ):
            if self._has(field) and not (is_dead and field == "outcome"):
                self._word(field, self._of(field)[0])
        for field in ("age", "reversal_doses", "reversal_dose_amount", "count"):
            if not self._has(field):
                continue
            one = self._of(field)[0]
            if one.suppressed:
                self._put(f"{field}: {{column: {_quoted(one.column)}, suppressed: {_list(one.suppressed)}}}")
            else:
                self._put(f"{field}: {_quoted(one.column)}")
        if is_dead and self._has("manner"):
            one = self._of("manner")[0]
            values = ", ".join(f"{word}: manner_{word}" for word in _MANNERS)
            self._put(f"facts: {{column: {_quoted(one.column)}, values: {{{values}}}}}")

    def _word(self, field: str, one: Guess) -> None:
        known = {**_WORDS.get(field, {})}
        closed = CLOSED[field]
        values = {word: known[word] for word in one.words if word in known}
        strange = [word for word in one.words if word not in known and word not in closed]
        if strange or not one.words:
            self._warnings.append(
                f"{field}: {len(strange) or 'many'} word(s) of {_quoted(one.column)} have no meaning yet; add them to values"
            )
        mapped = f", values: {{{', '.join(f'{_quoted(word)}: {means}' for word, means in values.items())}}}" if values else ""
        self._put(f"{field}: {{column: {_quoted(one.column)}{mapped}}}" + (" # add values" if strange or not one.words else ""))

    def _substances(self) -> None:
        basis = "toxicology" if self._has("cause_of_death") else "suspected"
        names = [one.column for one in self._of("drugs")]
        if names:
            self._put(f'drugs: {{columns: {_list(names)}, basis: {basis}, split: [",", ";", "/"]}}')
        flags = [one.column for one in self._of("drug_flag")]
        if flags:
            self._put(
                "drug_flags:", f"  basis: {basis}", "  columns:", *(f"    {_quoted(flag)}: {_quoted(flag.lower())}" for flag in flags)
            )
        texts = [(role, [one.column for one in self._of(role)]) for role in _TEXTS if self._has(role)]
        if texts:
            self._put("texts: # read for words of the vocabulary and then forgotten")
            for role, columns in texts:
                drugs = f", drugs_are: {_TEXTS[role]}" if _TEXTS[role] else ""
                self._put(f"  - {{columns: {_list(columns)}, role: {role}{drugs}}}")
        codes = [one.column for one in self._of("codes")]
        if codes:
            self._put(f'codes: {{columns: {_list(codes)}, system: icd10cm, split: [",", ";", "|"]}}')


def _ends_in_midnight(value: str) -> bool:
    return value.strip().endswith(("00:00", "00:00:00", "12:00 AM", "12:00:00 AM", "00:00:00+00")) and len(value.strip()) > 10


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _list(texts: Sequence[str]) -> str:
    return "[" + ", ".join(_quoted(text) for text in texts) + "]"

"""Reads a profile and tells everything that is wrong with it at once: line, field, problem, expected, example."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from typing_extensions import override

from spikewatch.ingest.domain.dates import EXAMPLE, FormatError, date_reader
from spikewatch.ingest.domain.profiles.headers import is_home, person_of
from spikewatch.ingest.domain.profiles.model import COLUMNS, Profile, Value
from spikewatch.ingest.domain.profiles.words import CLOSED
from spikewatch.ingest.domain.profiles.yaml_text import Broken, Document, Path, read_yaml

__all__ = ["MAX_BYTES", "ProfileInvalid", "ProfileProblem", "parse_profile"]

MAX_BYTES: Final = 65_536
"""The longest profile; the shipped ones have a tenth of it."""

_MOST_PROBLEMS: Final = 50
_MAPPED: Final = frozenset(Profile.model_fields) - {"name", "version", "summary", "base", "options", "source_type", "time_zone"}
_EXAMPLES: Final[Mapping[str, tuple[str, str]]] = {
    "name": ("2 to 32 lower-case letters, digits, - and _", "cedar-ems"),
    "version": ("a whole number from 1", "1"),
    "base": ("columns, or the name of a feed", "columns"),
    "column": ("the header of a column", "Incident Date"),
    "columns": ("the headers of columns", "[Incident Date, Incident Time]"),
    "record_id": ("the column or columns that make a row the same row when it is sent again", "Incident Number"),
    "occurred_at": ("at least one way to the time", "{column: Incident Date, formats: MM/DD/YYYY}"),
    "formats": ("ISO, EXCEL, EPOCH or a pattern of YYYY YY MM MMM DD HH hh mm ss AM Z", EXAMPLE),
    "basis": ("one of psap_call, dispatch, on_scene, symptom_onset, arrival, injury, death, reported", "on_scene"),
    "zone": ("an IANA time zone", "America/New_York"),
    "time_zone": ("an IANA time zone", "America/New_York"),
    "role": ("the kind of text", "cause_of_death"),
    "place": ("lat and lon, point_in, address, intersection, city, zip or county_fips", "{lat: Latitude, lon: Longitude}"),
    "values": ("a mapping of the file's words to their meaning", "{M: male, F: female}"),
    "declared": ("true or false", "true"),
    "is": ("words of the column", "[Overdose]"),
}
_FALLBACK: Final = ("as docs/formats/profiles.md describes it", "see `spikewatch profile schema`")


@dataclass(frozen=True, slots=True)
class ProfileProblem:
    """One thing that is wrong with a profile. It never repeats what the profile says there."""

    line: int
    field: str
    problem: str
    expected: str
    example: str = ""

    @override
    def __str__(self) -> str:
        example = f", for example {self.example}" if self.example else ""
        return f"line {self.line}: {self.field}: {self.problem}; expected {self.expected}{example}"


class ProfileInvalid(ValueError):  # noqa: N818  # named by what it says of the profile
    """The profile cannot be used.

    Attributes:
        problems: all of them, by line.
    """

    def __init__(self, problems: list[ProfileProblem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems[:_MOST_PROBLEMS]))
        self.problems = tuple(problems[:_MOST_PROBLEMS])


def parse_profile(text: str, bases: Mapping[str, frozenset[str]]) -> Profile:
    """Read a profile.

    Args:
        text: YAML.
        bases: the feeds a profile may be based on, each with its options.

    Raises:
        ProfileInvalid: with every problem.
    """
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise ProfileInvalid([ProfileProblem(1, "profile", "is too long", f"at most {MAX_BYTES} bytes")])
    try:
        document = read_yaml(text.removeprefix("\ufeff"))
    except Broken as broken:
        raise ProfileInvalid([ProfileProblem(broken.line, "profile", broken.problem, broken.expected, "name: cedar-ems")]) from None
    try:
        profile = Profile.model_validate(document.value)
    except ValidationError as error:
        raise ProfileInvalid(sorted(_problems(error, document), key=lambda one: one.line)) from None
    problems = [
        ProfileProblem(document.line_of(path), _field(path), problem, expected, example)
        for path, problem, expected, example in _meaning(profile, document, bases)
    ]
    if problems:
        raise ProfileInvalid(sorted(problems, key=lambda one: one.line))
    return profile


def _problems(error: ValidationError, document: Document) -> Iterator[ProfileProblem]:
    for one in error.errors(include_input=False, include_url=False):
        path = tuple(part for part in one["loc"] if part != "[key]")
        kind, message = one["type"], one["msg"]
        name = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
        expected, example = _EXAMPLES.get(name, _FALLBACK)
        if kind == "missing":
            problem = "is missing"
        elif kind == "extra_forbidden":
            problem, expected, example = "is no field of a profile here", "one of " + ", ".join(_names_at(path)), ""
        elif kind == "value_error":
            problem, _, told = message.removeprefix("Value error, ").partition("; expected ")
            expected = told or expected
        elif kind == "string_pattern_mismatch":
            problem = "is not of the expected form"
        elif kind in {"literal_error", "enum"}:
            problem, expected = "is not one of the listed words", message.removeprefix("Input should be ")
        else:
            problem = message[0].lower() + message[1:]
        yield ProfileProblem(document.line_of(path), _field(path), problem, expected, example)


def _names_at(path: tuple[Any, ...]) -> list[str]:
    """Return the fields that the part of a profile around an unknown one may have."""
    model: Any = Profile
    for part in path[:-1]:
        if not (isinstance(model, type) and issubclass(model, BaseModel)) or not isinstance(part, str):
            continue
        field = model.model_fields.get(part)
        model = next((kind for kind in _models(field.annotation if field else None)), model)
    fields = model.model_fields if isinstance(model, type) and issubclass(model, BaseModel) else {}
    return [field.alias or name for name, field in fields.items()]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _models(part)


def _field(path: tuple[Any, ...]) -> str:
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text[:200] or "profile"


Problem = tuple[Path, str, str, str]


def _meaning(profile: Profile, document: Document, bases: Mapping[str, frozenset[str]]) -> Iterator[Problem]:
    if profile.base != COLUMNS:
        yield from _based(profile, document, bases)
        return
    if profile.options:
        yield ("options",), "are of feeds, and the base is columns", "no options", ""
    for name in ("record_id", "occurred_at"):
        if not getattr(profile, name):
            yield (name,), "is missing", *_EXAMPLES[name]
    yield from _words(profile)
    yield from _dates(profile)
    yield from _people(profile)
    if profile.place and profile.place[-1].when and not profile.place[0].when:
        return
    for position, way in enumerate(profile.occurred_at):
        if way.within_days_before_next is not None and position + 1 == len(profile.occurred_at):
            yield ("occurred_at", position, "within_days_before_next"), "has no next way to compare with", "another way after it", ""


def _based(profile: Profile, document: Document, bases: Mapping[str, frozenset[str]]) -> Iterator[Problem]:
    options = bases.get(profile.base)
    if options is None:
        yield ("base",), "is neither columns nor a feed", "one of " + ", ".join((COLUMNS, *bases)), COLUMNS
        return
    for name in profile.options:
        if name not in options:
            yield ("options", name), "is no option of this feed", "one of " + (", ".join(sorted(options)) or "none"), ""
    stated = document.value if isinstance(document.value, dict) else {}
    for name in stated:
        if name in _MAPPED:
            yield (name,), "maps columns, but the base is a feed that has its own", "base: columns, or no such field", ""


def _words(profile: Profile) -> Iterator[Problem]:
    for name, words in CLOSED.items():
        spec = getattr(profile, name)
        if not isinstance(spec, Value):
            continue
        stated: list[tuple[Path, str]] = [((name, "values", key), word) for key, word in (spec.values or {}).items()]
        stated += [((name, part), getattr(spec, part)) for part in ("constant", "otherwise", "missing") if getattr(spec, part) is not None]
        for path, word in stated:
            if word.lower() not in words:
                yield path, "is no word of this field", "one of " + ", ".join(words), next(iter(words))
    units = {"years", "months", "weeks", "days", "hours", "minutes"}
    if profile.age is not None:
        stated_units: list[tuple[Path, str | None]] = [
            (("age", "unit"), profile.age.unit),
            *((("age", "units", key), word) for key, word in (profile.age.units or {}).items()),
        ]
        for path, unit in stated_units:
            if unit is not None and unit.lower() not in units:
                yield path, "is no unit of an age", "one of " + ", ".join(sorted(units)), "years"


def _dates(profile: Profile) -> Iterator[Problem]:
    for position, way in enumerate(profile.occurred_at):
        try:
            date_reader(way.formats)
        except FormatError as error:
            yield ("occurred_at", position, "formats"), str(error), *_EXAMPLES["formats"]


def _people(profile: Profile) -> Iterator[Problem]:  # noqa: C901  # one list of columns after another
    assert profile.record_id is None or profile.record_id.columns  # noqa: S101  # the model asks for one
    named: list[tuple[Path, tuple[str, ...]]] = []
    if profile.record_id is not None:
        named.append((("record_id", "columns"), profile.record_id.columns))
    for name in ("incident_number", "cad_number"):
        spec = getattr(profile, name)
        if spec is not None:
            named.append(((name, "columns"), spec.columns))
    places: list[tuple[Path, tuple[str, ...]]] = []
    for position, way in enumerate(profile.place):
        for part in ("lat", "lon", "point_in", "address", "intersection", "city", "zip", "county_fips"):
            spec = getattr(way, part)
            if spec is not None:
                places.append((("place", position, part), spec.columns))
    for path, columns in (*named, *places):
        for column in columns:
            if (what := person_of(column)) is not None:
                yield path, f"names a column that seems to hold {what}", "a column about the incident", "Incident Number"
    for path, columns in places:
        if any(is_home(column) for column in columns):
            yield path, "names a column that seems to be a home", "where it happened; a home is never the scene", "Incident Address"

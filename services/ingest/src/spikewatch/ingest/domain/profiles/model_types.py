"""The small types that the models of a profile share."""

from typing import Annotated, Final
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

__all__ = ["MOST_COLUMNS", "MOST_WORDS", "ColumnName", "ColumnNames", "FactName", "FormatText", "Word", "Words", "Zone", "as_list"]

MOST_COLUMNS: Final = 300
MOST_WORDS: Final = 2_000


def _as_text(value: object) -> object:
    # In a value map `1: yes` and `true: yes` are words of the file, not numbers.
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def as_list(value: object) -> object:
    """Return a single value as a list of one."""
    return value if isinstance(value, list | tuple) or value is None else [value]


def _is_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("is no IANA time zone; expected a name such as America/New_York")
    return name


Word = Annotated[str, BeforeValidator(_as_text), StringConstraints(max_length=200)]
Words = Annotated[tuple[Word, ...], BeforeValidator(as_list), Field(max_length=MOST_WORDS)]
ColumnName = Annotated[
    str,
    BeforeValidator(_as_text),
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True),
    Field(description="A column's header; case and blanks around it do not matter."),
]
ColumnNames = Annotated[tuple[ColumnName, ...], BeforeValidator(as_list), Field(min_length=1, max_length=MOST_COLUMNS)]
Zone = Annotated[str, AfterValidator(_is_zone)]
FormatText = Annotated[str, StringConstraints(min_length=2, max_length=64)]
FactName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]

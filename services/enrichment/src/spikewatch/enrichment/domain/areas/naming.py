"""Ids of areas, proposed from what a boundary file says of each polygon.

Official kinds are known by their code (a county by its FIPS code), all others by an id column or by their name.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["KIND", "AreasUnusable", "Naming", "named"]

KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
"""A kind of area: ``neighborhood``, ``district``, ``custom``."""


class AreasUnusable(Exception):  # noqa: N818  # named by its consequence
    """A boundary file cannot become areas; the text is one sentence that says what to do and holds no value of the file."""


@dataclass(frozen=True, slots=True)
class Naming:
    """How areas get their ids.

    Attributes:
        kind: what all of them are.
        prefix: stands before each code, so that two cities may have a neighbourhood of the same name.
        id_column: column with the code; None: proposed.
        name_column: column with the name; None: proposed.
    """

    kind: str
    prefix: str = ""
    id_column: str | None = None
    name_column: str | None = None


# What codes of official areas look like: state and county FIPS, ZIP, and state with place FIPS.
_CODES: Final = {"state": re.compile(r"\d{2}"), "county": re.compile(r"\d{5}"), "zip": re.compile(r"\d{5}"), "city": re.compile(r"\d{7}")}
_CODE_COLUMNS: Final = (
    "geoid",
    "geoid20",
    "geoid10",
    "zcta5ce20",
    "zcta5ce10",
    "fips",
    "geo_id",
    "zip",
    "zipcode",
    "zip_code",
    "zcta",
    "statefp",
)
_NAME_COLUMNS: Final = (
    *("name", "namelsad", "neighborhood", "neighbourhood", "nhood", "nbhd_name", "ntaname"),
    *("district", "dist_name", "precinct", "beat", "sector", "label", "title"),
)
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LONGEST: Final = 100  # an area id has room for 127 characters after the kind


def named(rows: Sequence[Mapping[str, str]], naming: Naming) -> tuple[list[tuple[str, str]], str]:
    """Return id and name of each row's area, and one sentence that says where they come from.

    Raises:
        AreasUnusable: the kind or prefix is none, a column is not there, or a row gets no id.
    """
    if not KIND.fullmatch(naming.kind) or naming.kind == "h3":
        raise AreasUnusable("kind is wrong; expected lower-case letters, digits and _, for example neighborhood (h3 cells are not loaded)")
    if naming.prefix and not _CODE.fullmatch(naming.prefix):
        raise AreasUnusable("prefix is wrong; expected letters, digits and hyphens, for example denver")
    if naming.prefix and naming.kind in _CODES:
        raise AreasUnusable(f"a {naming.kind} is known by its official code, which takes no prefix; leave --prefix out")
    columns = list(dict.fromkeys(column for row in rows for column in row))
    for asked in (naming.id_column, naming.name_column):
        if asked is not None and asked not in columns:
            raise AreasUnusable(f"the file has no column of the name that was given; it has {', '.join(columns) or 'none'}")
    name_column = naming.name_column or _name_column(rows, columns)
    source, codes = _codes(rows, columns, naming, name_column)
    prefix = f"{naming.prefix}-" if naming.prefix else ""
    found = []
    for number, (row, code) in enumerate(zip(rows, codes, strict=True), start=1):
        if not code:
            raise AreasUnusable(
                f"feature {number} gets no id from {source}; name a column of codes in Latin letters or digits with --id-column"
            )
        wanted = _CODES.get(naming.kind)
        if wanted is not None and not wanted.fullmatch(code) and naming.kind != "city":
            raise AreasUnusable(f"feature {number} has no {naming.kind} code in {source}; expected digits as in {_example(naming.kind)}")
        found.append((f"{naming.kind}:{prefix}{code}", (row.get(name_column, "") if name_column else "") or code))
    return found, f"ids from {source}, names from {name_column or 'the ids'}"


def _codes(rows: Sequence[Mapping[str, str]], columns: Sequence[str], naming: Naming, name_column: str | None) -> tuple[str, list[str]]:
    if naming.id_column is not None:
        return naming.id_column, [_slug(row.get(naming.id_column, "")) for row in rows]
    own = next((column for column in columns if column == "area"), None)
    start = f"{naming.kind}:"
    if own and all(row.get(own, "").startswith(start) for row in rows):
        return own, [row[own][len(start) :] if _CODE.fullmatch(row[own][len(start) :]) else "" for row in rows]
    if (pattern := _CODES.get(naming.kind)) is not None:
        ranked = sorted(columns, key=lambda column: _CODE_COLUMNS.index(column.lower()) if column.lower() in _CODE_COLUMNS else 99)
        for column in ranked:
            values = [row.get(column, "") for row in rows]
            if all(pattern.fullmatch(value) for value in values) and (len(set(values)) == len(values) or column.lower() in _CODE_COLUMNS):
                return column, values
    if name_column is None:
        raise AreasUnusable(f"no column names the areas; name one of {', '.join(columns) or 'none'} with --id-column")
    return name_column, [_slug(row.get(name_column, "")) for row in rows]


def _name_column(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> str | None:
    by_name = {column.lower(): column for column in columns}
    known = [by_name[name] for name in _NAME_COLUMNS if name in by_name]
    complete = [column for column in known if all(row.get(column, "") for row in rows)]
    if complete:
        return complete[0]
    worded = [column for column in columns if rows and all(re.search(r"[A-Za-z]{2}", row.get(column, "")) for row in rows)]
    distinct = [column for column in worded if len({row[column] for row in rows}) == len(rows) and not _is_moment(rows[0][column])]
    return distinct[0] if distinct else known[0] if known else None


def _is_moment(value: str) -> bool:
    return re.match(r"\d{4}-\d{2}-\d{2}", value) is not None


def _slug(text: str) -> str:
    """Return a text as a code: ``College View / South Platte`` as ``college-view-south-platte``."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    plain = plain.replace("'", "")
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST].rstrip("-")


def _example(kind: str) -> str:
    return {"state": "42", "county": "42091", "zip": "19401"}[kind]

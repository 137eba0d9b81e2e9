"""The profiles that come with Spikewatch: each a YAML file beside this module and a feed of the same name.

What an office publishes is named differently in the file that its portal exports, in what its interface answers, and in the files
of other years. The columns of these profiles are therefore compared by letters and digits, and known by the other names below.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from typing import Final

from spikewatch.ingest.domain.csv_rows import csv_rows
from spikewatch.ingest.domain.feeds.feed import Feed, NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.feeds.synonyms import Synonyms
from spikewatch.ingest.domain.profiles.checking import parse_profile
from spikewatch.ingest.domain.profiles.compiled import columns_of, compile_profile, missing_columns
from spikewatch.ingest.domain.profiles.model import Profile
from spikewatch.ingest.domain.record import Fields, json_lines, json_records, of_text
from spikewatch.ingest.domain.xlsx_rows import XLSX, xlsx_rows

__all__ = ["SHIPPED", "shipped_feeds", "shipped_text"]

SHIPPED: Final = ("me_connecticut", "me_cook", "me_allegheny")
"""Their names, in the order in which formats are listed."""

_OTHER_NAMES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "me_connecticut": {  # the files up to 2016, up to 2018, and the interface's names
        "cause of death": ("cod", "immediate cause a"),
        "other significant conditions": ("other significan", "other significant condition"),
        "ethanol": ("etoh",),
        "cocaine": ("coc",),
        "hydrocodone": ("hydro codeine", "hydrocod"),
        "heroin death certificate (dc)": ("heroin dc",),
        "deathcitygeo": ("death loc",),
    },
    "me_cook": {  # the file that the portal exports
        "incident_date": ("date of incident",),
        "death_date": ("date of death",),
        "manner": ("manner of death",),
        "incident_street": ("incident address",),
        "incident_zip": ("incident zip code",),
    },
}

# Columns of which a file must have one: others' tables have a case number, a date of death, an age and a sex, too.
_MARKS: Final[Mapping[str, tuple[str, ...]]] = {
    "me_connecticut": ("amphet", "tramad", "opiate nos", "any opioid", "morphine (not heroin)", "date type"),
    "me_cook": ("primarycause", "primary_cod", "opioid_related"),
    "me_allegheny": ("combined_od1",),
}


def shipped_text(name: str) -> str:
    """Return the YAML of one of them."""
    return files("spikewatch.ingest.domain.profiles").joinpath("shipped", f"{name}.yaml").read_text(encoding="utf-8")


def shipped_feeds() -> tuple[Feed, ...]:
    """Return the feeds that they make."""
    return tuple(_feed(name) for name in SHIPPED)


def _feed(name: str) -> Feed:
    profile = parse_profile(shipped_text(name), {})
    feed = compile_profile(profile, {}, name=name)
    others = _OTHER_NAMES.get(name, {})
    names = Synonyms({column: others.get(column, ()) for column in sorted(columns_of(profile))})
    header, needed, marks = ",".join(_needed(profile)), missing_columns(profile), _MARKS[name]

    def missing(cells: Sequence[str]) -> Sequence[str]:
        meanings = names.meanings(cells)
        return needed(meanings) or ([] if meanings & set(marks) else [marks[0]])

    def read(fields: Fields, source: Source) -> Reading | NotAnOverdose:
        return feed.read(names.renamed(fields), source)

    return replace(
        feed,
        splits={
            "text/csv": csv_rows(required=missing, header=header, reads=names),
            XLSX: xlsx_rows(required=missing, header=header, reads=names),
            "application/json": of_text(json_records),
            "application/x-ndjson": of_text(json_lines),
        },
        read=read,
    )


def _needed(profile: Profile) -> Sequence[str]:
    identity = profile.record_id.columns if profile.record_id else ()
    return list(dict.fromkeys([*identity, *(way.columns[0] for way in profile.occurred_at)]))

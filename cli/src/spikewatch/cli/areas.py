"""``spikewatch areas``: boundary files become versioned areas that reports are counted in."""

import argparse
import os
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from spikewatch.cli.exit_status import DONE, REFUSED_ROWS, CannotRun
from spikewatch.cli.progress import Progress, say
from spikewatch.cli.tables import add_json_option, print_json, print_table
from spikewatch.contracts.contract import area_kind
from spikewatch.enrichment.adapters.area_files.area_sets import Loaded, area_sets, load
from spikewatch.enrichment.adapters.area_files.boundaries import boundaries_of
from spikewatch.enrichment.adapters.geography import load_atlas
from spikewatch.enrichment.adapters.geojson_geography import GeographyError, geojson_file_places
from spikewatch.enrichment.adapters.us_geography import UsGeographyMissing
from spikewatch.enrichment.domain.areas.drawing import overlaps
from spikewatch.enrichment.domain.areas.naming import AreasUnusable, Naming

__all__ = ["add"]

_FOLDER: Final = "SPIKEWATCH_ENRICHMENT_GEOGRAPHY"
_SHOWN: Final = 20  # changes and overlaps told one by one


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb with its subcommands."""
    parser = verbs.add_parser(
        "areas",
        help="load neighbourhoods, districts and other polygons; list and check them",
        description="Areas that reports are counted in, as polygons in the geography folder.",
        epilog="Example: spikewatch areas load neighborhoods.geojson --kind neighborhood --geography geography",
    )
    parts = parser.add_subparsers(title="subcommands", metavar="SUBCOMMAND", required=True)
    one = parts.add_parser(
        "load",
        help="load a boundary file as a versioned set of areas",
        description="Check the polygons of a file, give each an area id, and put them into the geography folder as one set; a set of "
        "the same name is exchanged as a whole, and its older version kept. The service takes it up while it runs.",
        epilog="Example: spikewatch areas load districts.zip --kind district --prefix denver --geography geography",
    )
    one.add_argument("file", type=Path, metavar="FILE", help=".geojson, .gpkg, .shp or a zip of a shapefile, with polygons")
    one.add_argument(
        "--kind", required=True, help="what they are: neighborhood, district, city, zip, county, custom, or a word of your own"
    )
    one.add_argument("--set", dest="name", metavar="NAME", help="name of the set (default: the file's)")
    one.add_argument("--prefix", default="", help="stands before each code, for example denver: neighborhood:denver-highland")
    one.add_argument("--id-column", metavar="COL", help="column with each area's code (default: proposed)")
    one.add_argument("--name-column", metavar="COL", help="column with each area's name (default: proposed)")
    one.add_argument("--strict", action="store_true", help="refuse polygons that cross themselves in place of putting them right")
    one.add_argument("--dry-run", action="store_true", help="say what would be loaded and write nothing")
    one.set_defaults(run=_load)
    ls = parts.add_parser("ls", help="list the sets of areas", epilog="Example: spikewatch areas ls --geography geography")
    ls.set_defaults(run=_ls)
    check = parts.add_parser(
        "check",
        help="look for areas that are in two sets, or that overlap one of their kind; exit status 1 when there are any",
        epilog="Example: spikewatch areas check --geography geography",
    )
    check.set_defaults(run=_check)
    at = parts.add_parser("at", help="tell which areas hold a point", epilog="Example: spikewatch areas at 40.1215 -75.3399")
    at.add_argument("lat", type=float, help="latitude in degrees")
    at.add_argument("lon", type=float, help="longitude in degrees")
    at.set_defaults(run=_at)
    for part in (one, ls, check, at):
        part.add_argument("--geography", type=Path, metavar="DIR", help=f"the geography folder (default: ${_FOLDER})")
        add_json_option(part)


def _named(arguments: argparse.Namespace) -> Path | None:
    told = arguments.geography or os.environ.get(_FOLDER)
    return Path(told) if told else None


def _folder(arguments: argparse.Namespace) -> Path:
    folder = _named(arguments)
    if folder is None:
        raise CannotRun(f"no geography folder is named; give --geography DIR or set {_FOLDER}")
    return folder


def _filled(arguments: argparse.Namespace) -> Path:
    folder = _folder(arguments)
    if not folder.is_dir():
        raise CannotRun(f"{folder} is no folder; check the path, or load areas into it first")
    return folder


def _load(arguments: argparse.Namespace) -> int:
    folder = _folder(arguments)
    name = arguments.name or re.sub(r"[^a-z0-9._-]+", "-", arguments.file.name.split(".")[0].lower()).strip("-.")
    naming = Naming(arguments.kind, arguments.prefix, arguments.id_column, arguments.name_column)
    try:
        with Progress(f"areas load {arguments.file.name}", unit="areas") as progress:
            boundaries = boundaries_of(arguments.file)
            loaded = load(boundaries, naming, folder, name, datetime.now(UTC), is_dry_run=arguments.dry_run, strict=arguments.strict)
            progress.reach(loaded.areas)
    except (AreasUnusable, GeographyError) as error:
        raise CannotRun(str(error)) from None
    if arguments.as_json:
        print_json(_told(loaded))
    else:
        _say(loaded, is_dry_run=arguments.dry_run)
    return DONE


def _told(loaded: Loaded) -> dict[str, Any]:
    changed = None if loaded.changed is None else [{"area": one.area, "change": one.what, "share": one.share} for one in loaded.changed]
    return {
        "set": loaded.name,
        "version": loaded.version,
        "areas": loaded.areas,
        "written": loaded.is_new,
        "repaired_features": list(loaded.repaired),
        "repeated_features": loaded.repeated,
        "changed": changed,
    }


def _say(loaded: Loaded, *, is_dry_run: bool) -> None:
    say(f"{loaded.name}: {loaded.areas:,} areas, {loaded.source}")
    if loaded.repaired:
        say(f"{len(loaded.repaired)} crossed themselves and were put right: features {', '.join(map(str, loaded.repaired[:_SHOWN]))}")
    if loaded.repeated:
        say(f"{loaded.repeated} said the same as an earlier one and were left out")
    if loaded.changed is not None:
        counts = Counter(one.what for one in loaded.changed)
        say("against the version before: " + (", ".join(f"{counts[what]} {what}" for what in sorted(counts)) or "nothing differs"))
        for one in loaded.changed[:_SHOWN]:
            say(f"  {one.area} {one.what}" + (f", {one.share:.1%} of its ground" if one.what == "redrawn" else ""))
    if not loaded.is_new:
        say(f"version {loaded.version} is there already; nothing was written")
    else:
        say(f"{'would be ' if is_dry_run else ''}version {loaded.version}")


def _ls(arguments: argparse.Namespace) -> int:
    try:
        sets = area_sets(_filled(arguments))
    except GeographyError as error:
        raise CannotRun(str(error)) from None
    rows = [
        {"set": one.name, "kinds": " ".join(one.kinds), "areas": one.areas, "version": one.version, "loaded_at": one.loaded_at}
        for one in sets
    ]
    if arguments.as_json:
        print_json(rows)
    elif rows:
        print_table(rows, ("set", "kinds", "areas", "version", "loaded_at"))
    else:
        say("no areas are loaded; the packaged counties and ZIP codes are used")
    return DONE


def _check(arguments: argparse.Namespace) -> int:
    folder = _filled(arguments)
    files = sorted(folder.glob("*.geojson"))
    problems: list[dict[str, Any]] = []
    by_kind: dict[str, dict[str, Any]] = {}
    set_of: dict[str, str] = {}
    for file in files:
        try:
            places = geojson_file_places(file)
        except GeographyError as error:
            problems.append({"set": file.stem, "problem": str(error)})
            continue
        for place in places:
            if set_of.setdefault(place.area, file.stem) != file.stem:
                problems.append({"set": file.stem, "problem": f"{place.area} is in {set_of[place.area]} too: both are taken as one area"})
            if place.geometry.geom_type != "Point":
                by_kind.setdefault(area_kind(place.area), {})[place.area] = place.geometry
    for kind, shapes in by_kind.items():
        problems += [
            {"set": set_of[one.area], "problem": f"{one.area} and {one.other} overlap by {one.share:.0%}: a point there counts in both"}
            for one in overlaps(shapes)
            if kind != "custom"  # people draw these as they like
        ]
    if arguments.as_json:
        print_json(problems)
    elif problems:
        print_table(problems[: 10 * _SHOWN], ("set", "problem"))
    say(f"{len(files)} sets, {len(set_of):,} areas, {len(problems)} problems")
    return REFUSED_ROWS if problems else DONE


def _at(arguments: argparse.Namespace) -> int:
    try:
        (areas,) = load_atlas(_named(arguments)).areas_at([arguments.lat], [arguments.lon])
    except (GeographyError, UsGeographyMissing) as error:
        raise CannotRun(str(error)) from None
    if arguments.as_json:
        print_json(areas)
    else:
        print("\n".join(areas) or "in no area")
    return DONE

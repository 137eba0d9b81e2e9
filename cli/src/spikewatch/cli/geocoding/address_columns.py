"""Which columns of a table hold the address, its city, ZIP code and county, or a known point: as told, else by name and values."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.geocoding.address_rows import ADDRESS_NAMES, LINE, AddressRow, AddressTable, Form
from spikewatch.enrichment.adapters.geodata.column_guess import coordinates
from spikewatch.enrichment.adapters.geodata.column_look import Look
from spikewatch.enrichment.adapters.geodata.column_words import listed
from spikewatch.enrichment.adapters.geodata.mapped_rows import zip5
from spikewatch.enrichment.domain.geocoding.answer import Query

__all__ = ["AddressColumns", "add_column_options", "address_columns", "point_columns", "text_of_cell"]

_HOUSES: Final = listed("housenumber streetnumber addressnumber addrnumber houseno streetno housenum number hn addrnum stno")
_STREETS: Final = ("street", "streetname", "stname", "roadname", "streetfull", "fullstreetname")
_TYPES: Final = ("streettype", "sttype", "streetsuffix", "suffix", "streettyp")
_CITIES: Final = listed("city cityname incidentcity municipality town twp township locationcity injurycity scenecity eventcity")
_ZIPS: Final = listed(
    "zip zipcode zip5 postalcode postcode zipcodeofincident incidentzip incidentzipcode scenezip injuryzip eventzip locationzip zipcd"
)
_COUNTIES: Final = ("countyfips", "fips", "cofips", "incidentcountyfips", "county")
# Where people live is not where it happened.
_HOME: Final = frozenset(listed("patient pt home residence resident residential mailing mail owner billing caller kin decedent"))


class AddressColumns(NamedTuple):
    """Columns by what they hold; None where there is none. An address may be in several, which are joined."""

    address: tuple[str, ...]
    city: str | None = None
    zip: str | None = None
    county: str | None = None

    def query(self, row: AddressRow) -> Query:
        """Return what a row asks for."""
        values = row.values
        parts = [text for name in self.address if (text := text_of_cell(values.get(name)))]
        return Query(
            " ".join(parts) or None,
            text_of_cell(values.get(self.city)) or None if self.city else None,
            zip5(text_of_cell(values.get(self.zip))) or None if self.zip else None,
            _fips(text_of_cell(values.get(self.county))) if self.county else None,
        )

    def told(self) -> str:
        """Return it as a sentence for people."""
        also = [f"{what} in {name}" for what, name in (("city", self.city), ("ZIP code", self.zip), ("county", self.county)) if name]
        return "; ".join([f"address in {' + '.join(self.address)}", *also])


def add_column_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name columns."""
    parser.add_argument(
        "--address", metavar="COL", action="append", help="column with the address; given several times they are joined (default: proposed)"
    )
    parser.add_argument("--city", metavar="COL", help='column with the city (default: proposed; "" for none)')
    parser.add_argument("--zip", metavar="COL", help='column with the ZIP code (default: proposed; "" for none)')
    parser.add_argument("--county", metavar="COL", help='column with the FIPS code of the county (default: proposed; "" for none)')


def text_of_cell(value: Any) -> str:
    """Return a cell as text: empty for nothing, 94110 for a number in JSON."""
    if isinstance(value, str):
        return value.strip()
    if value is None or isinstance(value, bool | list | dict):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def address_columns(name: str, table: AddressTable, arguments: argparse.Namespace) -> AddressColumns:
    """Return the columns, those that people named before the proposed ones.

    Raises:
        CannotRun: a named column is missing, or no column looks like addresses.
    """
    if table.form is Form.LINES:
        return AddressColumns((LINE,))
    looks = _looks(table)
    address = tuple(_named(name, table, one) for one in arguments.address or ())
    if not address:
        address = _address(looks)
    if not address:
        raise CannotRun(f"no column of {name} looks like addresses; name it with --address COL, one of: {_listed(table.columns)}")
    others = [look for look in looks if look.name not in address]

    def chosen(option: str | None, names: Sequence[str], is_such: Callable[[Look], bool]) -> str | None:
        if option is not None:
            return _named(name, table, option) if option else None
        return next((look.name for look in _of_names(others, names) if is_such(look)), None)

    return AddressColumns(
        address,
        chosen(arguments.city, _CITIES, lambda look: look.worded > 0.5),
        chosen(arguments.zip, _ZIPS, lambda look: look.zips > 0.5),
        chosen(arguments.county, _COUNTIES, lambda look: look.counties > 0.5),
    )


def point_columns(name: str, table: AddressTable, lat: str | None, lon: str | None) -> tuple[str, str]:
    """Return the columns of latitude and longitude.

    Raises:
        CannotRun: there are none.
    """
    proposed = coordinates([look for look in _looks(table) if not look.letters.startswith("geo")])
    columns = [_named(name, table, one) if one else proposed.get(field) for one, field in ((lat, "lat"), (lon, "lon"))]
    first, last = columns
    if first is None or last is None:
        raise CannotRun(
            f"no columns of {name} look like latitude and longitude; name them with --lat COL --lon COL, of: {_listed(table.columns)}"
        )
    return first, last


def _looks(table: AddressTable) -> list[Look]:
    rows = [row for row in table.sample if not row.problem]
    return [
        Look(place, column, [text_of_cell(row.values.get(column)) for row in rows])
        for place, column in enumerate(table.columns)
        if not column.startswith("geo_")
    ]


def _address(looks: Sequence[Look]) -> tuple[str, ...]:
    house = next((look for look in _of_names(looks, _HOUSES) if look.house_numbers > 0.8), None)
    street = next((look for look in _of_names(looks, _STREETS) if look.worded > 0.8 and look.addresses < 0.5), None)
    whole = next((look for look in _of_names(looks, ADDRESS_NAMES) if look is not street and look.worded > 0.5), None)
    if whole is None and house is not None and street is not None:
        kind = next((look for look in _of_names(looks, _TYPES) if look.types > 0.5), None)
        return (house.name, street.name, *([kind.name] if kind is not None and street.typed_names < 0.5 else []))
    if whole is None:
        whole = street or max(
            (look for look in looks if look.addresses > 0.5 and not look.words & _HOME), key=lambda look: look.addresses, default=None
        )
    return (whole.name,) if whole is not None else ()


def _of_names(looks: Iterable[Look], names: Sequence[str]) -> list[Look]:
    usable = [look for look in looks if look.letters in names and not look.words & _HOME and look.stated]
    return sorted(usable, key=lambda look: names.index(look.letters))


def _named(name: str, table: AddressTable, column: str) -> str:
    if column in table.columns:
        return column
    alike = [one for one in table.columns if one.casefold() == column.strip().casefold()]
    if len(alike) == 1:
        return alike[0]
    raise CannotRun(f"{name} has no column {column!r}; it has: {_listed(table.columns)}")


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(columns[:30]) + (f" and {len(columns) - 30} more" if len(columns) > 30 else "")


def _fips(text: str) -> str | None:
    return text.zfill(5) if text.isdigit() and len(text) in {4, 5} else None

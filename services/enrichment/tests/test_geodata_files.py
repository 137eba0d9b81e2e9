"""What a service places by follows the files on disk, and its version the newest of them."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from spikewatch.enrichment.adapters.geodata import open_geocoder
from spikewatch.enrichment.adapters.geodata.index_file import read_index, write_index
from spikewatch.enrichment.adapters.geodata.unusable import IndexUnusable
from spikewatch.enrichment.adapters.geodata_files import GeodataFiles
from spikewatch.enrichment.adapters.geojson_geography import GeographyError
from spikewatch.enrichment.domain.geocoding.answer import Query
from spikewatch.enrichment.domain.geocoding.compile import compiled
from spikewatch.enrichment.domain.geocoding.packed import Packed
from spikewatch.enrichment.domain.geocoding.records import StreetSegment, Vintage

LOADED = datetime(2026, 5, 1, tzinfo=UTC)


def index(path: Path, *, built_at: int, street: str = "Mill St") -> Path:
    segment = StreetSegment(street, ((-79.5, 40.5), (-79.499, 40.5)), 1, 99, 2, 98, county="99001")
    packed = compiled([segment], vintages=[Vintage("streets", "2026", "street")])
    write_index(path, packed._replace(facts={**packed.facts, "built_at": built_at}))
    return path


def areas(folder: Path, **described: Any) -> Path:
    ring = [[-80, 40], [-79, 40], [-79, 41], [-80, 41], [-80, 40]]
    feature = {"type": "Feature", "properties": {"area": "county:99001"}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    folder.mkdir(exist_ok=True)
    draft = folder / "counties.part"
    draft.write_text(json.dumps({"type": "FeatureCollection", "features": [feature], **described}), encoding="utf-8")
    draft.replace(folder / "counties.geojson")
    return folder


def test_without_index_and_loaded_areas_the_version_is_nought(tmp_path: Path) -> None:
    geodata = GeodataFiles(areas(tmp_path / "areas"), None).load()
    assert (geodata.version, geodata.addresses) == (0, None)


def test_the_version_is_that_of_the_newest_part(tmp_path: Path) -> None:
    loaded = areas(tmp_path / "areas", spikewatch_set={"loaded_at": LOADED.isoformat()})
    older, newer = (index(tmp_path / f"{name}.geoindex", built_at=at) for name, at in (("a", 1_000), ("b", 2_000_000_000)))
    assert GeodataFiles(loaded, older).load().version == int(LOADED.timestamp())
    assert GeodataFiles(loaded, newer).load().version == 2_000_000_000
    assert GeodataFiles(loaded, tmp_path).load().version == 2_000_000_000


def test_an_index_is_read_once_so_that_its_date_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = index(tmp_path / "one.geoindex", built_at=1_000)
    files = GeodataFiles(areas(tmp_path / "areas"), path)

    def read_and_exchange(path: Path) -> Packed:
        packed = read_index(path)
        index(path, built_at=2_000, street="Oak St")
        return packed

    monkeypatch.setattr(open_geocoder, "read_index", read_and_exchange)
    assert files.load().version == 1_000
    assert files.is_exchanged()


def test_an_exchanged_index_is_noticed_once_and_answers(tmp_path: Path) -> None:
    path = index(tmp_path / "one.geoindex", built_at=1)
    files = GeodataFiles(areas(tmp_path / "areas"), path)
    files.load()
    assert not files.is_exchanged()
    index(path, built_at=2, street="Oak St")
    assert files.is_exchanged()
    geodata = files.load()
    assert geodata.addresses is not None
    (answer,) = geodata.addresses.geocode_many([Query("12 OAK ST")])
    assert (answer.precision.value, geodata.version, files.is_exchanged()) == ("range", 2, False)


def test_exchanged_and_added_areas_are_noticed(tmp_path: Path) -> None:
    folder = areas(tmp_path / "areas")
    files = GeodataFiles(folder, None)
    files.load()
    (folder / "more.geojson").write_bytes((folder / "counties.geojson").read_bytes())
    assert files.is_exchanged()


def test_what_cannot_be_used_is_told_once(tmp_path: Path) -> None:
    path = index(tmp_path / "one.geoindex", built_at=1)
    files = GeodataFiles(areas(tmp_path / "areas"), path)
    files.load()
    os.truncate(path, path.stat().st_size - 1)
    assert files.is_exchanged()
    with pytest.raises(IndexUnusable, match="cut short"):
        files.load()
    assert not files.is_exchanged()
    (tmp_path / "areas" / "counties.geojson").write_text("{", encoding="utf-8")
    with pytest.raises(GeographyError):
        files.load()

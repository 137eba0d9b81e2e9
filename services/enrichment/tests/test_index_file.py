import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from spikewatch.enrichment.adapters.geodata.index_file import VERSION, read_index, vintages_of, write_index
from spikewatch.enrichment.adapters.geodata.unusable import IndexUnusable
from spikewatch.enrichment.domain.geocoding.packed import Packed
from spikewatch.enrichment.domain.geocoding.records import Vintage

PACKED = Packed(
    {"small": np.arange(5, dtype=np.uint8), "none": np.empty(0, np.int32), "grid": np.arange(6_000, dtype=np.float64).reshape(2000, 3)},
    {"format": 1, "vintages": [["Straße", "2021", "street", 3]]},
)


def written(folder: Path) -> Path:
    path = folder / "town.geoindex"
    write_index(path, PACKED)
    return path


def test_what_is_written_is_read_the_same_and_cannot_be_changed(tmp_path: Path) -> None:
    packed = read_index(written(tmp_path))
    assert packed.facts == PACKED.facts
    assert vintages_of(packed) == [Vintage("Straße", "2021", "street", 3)]
    for name, array in PACKED.arrays.items():
        found = packed.arrays[name]
        assert (found.dtype, found.shape, found.tolist()) == (array.dtype, array.shape, array.tolist())
    with pytest.raises(ValueError, match="read-only"):
        packed.arrays["grid"][0, 0] = 1


def test_arrays_begin_at_pages_and_are_not_copied(tmp_path: Path) -> None:
    packed = read_index(written(tmp_path))
    for name in ("small", "grid"):
        assert packed.arrays[name].ctypes.data % 4096 == 0
        assert not packed.arrays[name].flags.owndata


def test_who_reads_the_old_index_keeps_it_while_a_new_one_takes_its_name(tmp_path: Path) -> None:
    path = written(tmp_path)
    old = read_index(path)
    write_index(path, Packed({"small": np.zeros(9, np.uint8)}, {"format": 1}))
    assert old.arrays["grid"].tolist() == PACKED.arrays["grid"].tolist()
    assert read_index(path).arrays["small"].size == 9
    assert [one.name for one in tmp_path.iterdir()] == ["town.geoindex"]  # no draft is left


def test_a_write_that_fails_leaves_the_old_index_and_no_draft(tmp_path: Path) -> None:
    path = written(tmp_path)
    with pytest.raises(TypeError, match="cannot be mapped"):
        write_index(path, Packed({"objects": np.array([object()])}, {}))
    assert read_index(path).facts == PACKED.facts
    assert [one.name for one in tmp_path.iterdir()] == ["town.geoindex"]
    with pytest.raises(IndexUnusable, match="cannot be written"):
        write_index(tmp_path / "missing" / "town.geoindex", PACKED)


def test_every_truncation_is_told(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = path.read_bytes()
    for length in [*range(0, 120, 5), 4096, len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(IndexUnusable, match=r"is empty|is no geocoding index|is cut short"):
            read_index(path)
    path.write_bytes(whole + b"x")
    with pytest.raises(IndexUnusable, match="longer"):
        read_index(path)


def test_every_changed_byte_is_told(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = path.read_bytes()
    for place in [*range(0, 300, 7), 4096, 5000, len(whole) - 1]:
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(IndexUnusable):
            read_index(path)


def test_another_version_is_told_with_both_numbers(tmp_path: Path) -> None:
    path = written(tmp_path)
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, 16, VERSION + 1)
    content[32:64] = hashlib.sha256(bytes(content[:32]) + bytes(content[64:])).digest()
    path.write_bytes(content)
    with pytest.raises(IndexUnusable, match=f"version {VERSION + 1}, this program reads version {VERSION}; build it again"):
        read_index(path)


@pytest.mark.parametrize("content", [b"street,number\nElm St,12\n" * 9, b"\x1f\x8b" + b"x" * 90])
def test_another_file_is_no_index(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(IndexUnusable, match="is no geocoding index"):
        read_index(tmp_path / "x")
    with pytest.raises(IndexUnusable, match="cannot be read"):
        read_index(tmp_path / "missing")

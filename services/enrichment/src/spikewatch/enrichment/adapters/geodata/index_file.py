r"""The index on disk: one file of page-aligned arrays, mapped read-only, so that all workers of a machine share its pages.

Layout, all numbers little-endian::

    16 bytes   the mark b"spikewatch-geo\r\n" (its line end breaks when a transfer takes the file for text)
    u32        version of the format
    u32        length of the description
    u64        length of the whole file
    32 bytes   SHA-256 of everything else: the 32 bytes before this digest, and all after it
    ...        the description: JSON with the facts, and of each array its name, type, shape and where it starts
    ...        the arrays, each from the start of a page

A file is never changed: a new one is written beside it, flushed, and takes its name. Who has the old one open keeps it.
"""

import hashlib
import json
import mmap
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, Final, cast

import numpy as np

from spikewatch.enrichment.adapters.geodata.unusable import IndexUnusable
from spikewatch.enrichment.domain.geocoding.packed import Packed
from spikewatch.enrichment.domain.geocoding.records import Vintage

__all__ = ["VERSION", "read_index", "vintages_of", "write_index"]

VERSION: Final = 1
_MARK: Final = b"spikewatch-geo\r\n"
_HEAD: Final = struct.Struct("<16sIIQ")
_DIGEST: Final = 32
_START: Final = _HEAD.size + _DIGEST
_PAGE: Final = 4096
_CHUNK: Final = 1 << 24  # bytes hashed at a time
_LONGEST_DESCRIPTION: Final = 1 << 28
_KINDS: Final = "biufSU"  # what numpy can view in a file without running anything: numbers and text of fixed width
_BUILD_ANEW: Final = "build it again with spikewatch geodata build"


def write_index(path: Path, packed: Packed) -> None:
    """Write an index and give it its name when it is whole, so that a reader sees the old one or the new one.

    Raises:
        IndexUnusable: the folder is missing or full, or may not be written.
    """
    description, places = _described(packed)
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=".draft", delete=False) as draft:
            try:
                _fill(draft, packed.arrays, description, places)
                draft.flush()
                os.fsync(draft.fileno())
                Path(draft.name).chmod(0o644)
                Path(draft.name).replace(path)
            except BaseException:
                Path(draft.name).unlink(missing_ok=True)
                raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the name itself must outlive a power cut
        finally:
            os.close(folder)
    except OSError as error:
        raise IndexUnusable(
            f"{path} cannot be written ({error.strerror or type(error).__name__}); check its folder and its space"
        ) from None


def read_index(path: Path) -> Packed:
    """Map an index; its arrays are read-only views that keep the mapping alive.

    Raises:
        IndexUnusable: it is missing, no index, of another version, truncated, or changed since it was written.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(_START)
            description_length = _checked(path, head, size)
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise IndexUnusable(f"{path} cannot be read ({error.strerror or type(error).__name__}); {_BUILD_ANEW}") from None
    if _digest(head[: _HEAD.size], memoryview(mapped)[_START:]) != head[_HEAD.size :]:
        raise IndexUnusable(f"{path} is damaged: its content is not what was written; {_BUILD_ANEW}")
    try:
        description = json.loads(mapped[_START : _START + description_length])
        arrays = {entry["name"]: _view(mapped, entry) for entry in description["arrays"]}
        return Packed(arrays, description["facts"])
    except (ValueError, KeyError, TypeError) as error:
        raise IndexUnusable(f"{path} has a description that cannot be read ({type(error).__name__}); {_BUILD_ANEW}") from None


def vintages_of(packed: Packed) -> list[Vintage]:
    """Return the sources of an index."""
    return [Vintage(*one) for one in cast("list[tuple[str, str, str, int]]", packed.facts.get("vintages", []))]


def _described(packed: Packed) -> tuple[bytes, dict[str, int]]:
    """Return the description and where each array starts; where they start depends on how long the description is."""
    for name, array in packed.arrays.items():
        if array.dtype.kind not in _KINDS:
            raise TypeError(f"array {name} is of type {array.dtype}, which cannot be mapped")
    length = 0
    while True:
        places, at = {}, _START + length
        for name, array in packed.arrays.items():
            at = -(-at // _PAGE) * _PAGE
            places[name] = at
            at += array.nbytes
        entries = [
            {"name": name, "type": array.dtype.newbyteorder("<").str, "shape": array.shape, "at": places[name]}
            for name, array in packed.arrays.items()
        ]
        description = json.dumps({"facts": packed.facts, "arrays": entries}, ensure_ascii=False).encode()
        if len(description) <= length:
            return description.ljust(length), places
        length = len(description) + 64  # longer positions need more digits


def _fill(draft: IO[bytes], arrays: Mapping[str, np.ndarray[Any, Any]], description: bytes, places: Mapping[str, int]) -> None:
    end = max((places[name] + array.nbytes for name, array in arrays.items()), default=0)
    head = _HEAD.pack(_MARK, VERSION, len(description), max(end, _START + len(description)))
    digest = hashlib.sha256(head)

    def put(piece: bytes | memoryview) -> None:
        digest.update(piece)
        draft.write(piece)

    draft.write(head + bytes(_DIGEST))
    put(description)
    at = _START + len(description)
    for name, array in arrays.items():
        put(bytes(places[name] - at))
        whole = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        if whole.nbytes:
            put(whole.reshape(-1).view(np.uint8).data)
        at = places[name] + array.nbytes
    draft.seek(_HEAD.size)
    draft.write(digest.digest())


def _checked(path: Path, head: bytes, size: int) -> int:
    """Return how long the description is."""
    if len(head) < _START or not head.startswith(_MARK):
        told = "is empty" if not head else "is no geocoding index"
        raise IndexUnusable(f"{path} {told}; make one with spikewatch geodata build FILE... -o INDEX")
    _, version, description_length, whole = _HEAD.unpack_from(head)
    if version != VERSION:
        raise IndexUnusable(f"{path} is an index of version {version}, this program reads version {VERSION}; {_BUILD_ANEW}")
    if size != whole:
        told = "is cut short" if size < whole else "is longer than it was written"
        raise IndexUnusable(f"{path} {told} ({size:,} bytes of {whole:,}); copy it again, or {_BUILD_ANEW}")
    if description_length > min(size, _LONGEST_DESCRIPTION):
        raise IndexUnusable(f"{path} has a description that cannot be read; {_BUILD_ANEW}")
    return int(description_length)


def _digest(head: bytes, rest: memoryview) -> bytes:
    digest = hashlib.sha256(head)
    for start in range(0, len(rest), _CHUNK):
        digest.update(rest[start : start + _CHUNK])
    return digest.digest()


def _view(mapped: mmap.mmap, entry: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    kind = np.dtype(str(entry["type"]))
    shape = tuple(int(length) for length in entry["shape"])
    count = int(np.prod(shape, dtype=np.int64))
    if kind.kind not in _KINDS or min(shape, default=0) < 0:
        raise ValueError("not an array that can be mapped")
    if count == 0 or kind.itemsize == 0:
        return np.empty(shape, kind)
    return np.frombuffer(mapped, kind, count, int(entry["at"])).reshape(shape)

"""Files as they lie: alone, gzipped, in a folder, or inside a zip, all opened alike and read from the start."""

import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final, cast

from spikewatch.enrichment.adapters.geodata.unusable import GeodataUnusable

__all__ = ["StoredFile", "failures_told", "stored_files"]

_GZIP: Final = b"\x1f\x8b"
_MOST_MEMBERS: Final = 100_000
_HIDDEN: Final = ("__MACOSX/", ".", "_")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file.

    Attributes:
        name: as people know it, ``roads.zip/roads.shp`` inside a zip.
        stem: its name without ending and without ``.gz``, in its place: what the files of one shapefile share, in lower case.
        ending: ``.shp``, in lower case and without ``.gz``.
        size: bytes to read; of a gzipped file those on disk.
        open_raw: opens it as it lies.
        path: where it lies; None inside a zip.
    """

    name: str
    stem: str
    ending: str
    size: int
    open_raw: Callable[[], IO[bytes]]
    path: Path | None = None

    @contextmanager
    def opened(self) -> Iterator[tuple[IO[bytes], Callable[[], int]]]:
        """Open it, unpacked, together with what tells how many bytes of it were read.

        Raises:
            GeodataUnusable: it cannot be opened.
        """
        with failures_told(self.name), self.open_raw() as raw:
            if raw.read(2) == _GZIP:
                raw.seek(0)
                with gzip.GzipFile(fileobj=raw) as unpacked:
                    yield cast("IO[bytes]", unpacked), raw.tell
            else:
                raw.seek(0)
                yield raw, raw.tell

    def whole(self, most: int) -> bytes:
        """Return its first bytes, at most so many."""
        with self.opened() as (stream, _):
            return stream.read(most)


@contextmanager
def failures_told(name: str) -> Iterator[None]:
    """Turn what goes wrong while bytes are read into one sentence."""
    try:
        yield
    except (EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile, UnicodeDecodeError) as error:  # the last: names in a zip
        raise GeodataUnusable(f"{name} is packed and breaks off or is damaged ({type(error).__name__}); fetch it again") from None
    except (OSError, RuntimeError, NotImplementedError) as error:  # zipfile: encrypted, or packed in a way that Python cannot unpack
        told = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise GeodataUnusable(f"{name} cannot be read ({told}); check its path, and that it is neither locked nor encrypted") from None


def stored_files(path: Path) -> list[StoredFile]:
    """Return the file, the files of a folder, or those inside a zip; with a .shp the files that belong to it.

    Raises:
        GeodataUnusable: there is nothing, or it cannot be read.
    """
    with failures_told(str(path)):
        if path.is_dir():
            found = [one for one in sorted(path.iterdir()) if one.is_file() and not one.name.startswith(".")]
            return [file for one in found for file in (_inside(one) if _is_zip(one) else [_lone(one, one.name)])]
        if not path.exists():
            raise GeodataUnusable(f"{path} does not exist; check the path")
        if _is_zip(path) or path.suffix.lower() == ".zip":  # one that broke off has lost its list of files, which stands at the end
            return _inside(path)
        if path.suffix.lower() == ".shp":
            beside = sorted(one for one in path.parent.iterdir() if one.is_file() and one.stem.lower() == path.stem.lower())
            return [_lone(one, one.name) for one in beside if one == path or one.suffix.lower() in {".dbf", ".prj", ".cpg"}]
        return [_lone(path, path.name)]


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() not in {".xlsx", ".shp", ".dbf", ".gpkg"} and zipfile.is_zipfile(path)


def _lone(path: Path, name: str) -> StoredFile:
    stem, ending = _parts(path.name)
    return StoredFile(name, f"{path.parent}/{stem}", ending, path.stat().st_size, lambda: path.open("rb"), path)


def _inside(path: Path) -> list[StoredFile]:
    with failures_told(path.name), zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if member.filename and not member.is_dir()]
    if len(members) > _MOST_MEMBERS:
        raise GeodataUnusable(f"{path.name} holds more than {_MOST_MEMBERS:,} files; give the ones that are meant")
    shown = [member for member in members if not member.filename.startswith(_HIDDEN)]
    return [
        StoredFile(f"{path.name}/{member.filename}", *_located(path, member.filename), member.file_size, _opener(path, member.filename))
        for member in shown
    ]


def _located(path: Path, member: str) -> tuple[str, str]:
    stem, ending = _parts(PurePosixPath(member).name)
    return f"{path}/{PurePosixPath(member).parent}/{stem}", ending


def _parts(name: str) -> tuple[str, str]:
    plain = PurePosixPath(name.lower().removesuffix(".gz"))
    return plain.stem, plain.suffix


def _opener(path: Path, member: str) -> Callable[[], IO[bytes]]:
    def opened() -> IO[bytes]:
        # The member's stream keeps the archive's file open by itself.
        with zipfile.ZipFile(path) as archive:
            return archive.open(member)

    return opened

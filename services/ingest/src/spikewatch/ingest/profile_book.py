"""An agency's profiles as feeds: found in the directory, checked and compiled once."""

from collections import OrderedDict
from typing import Final, Protocol

from spikewatch.contracts.directory import ProfileRecord
from spikewatch.ingest.domain.feeds.feed import Feed
from spikewatch.ingest.domain.profiles.bases import compiled
from spikewatch.ingest.domain.profiles.checking import ProfileInvalid
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["NO_PROFILES", "PROFILE_HEADER", "ProfileBook", "ProfileRecords", "name_of"]

PROFILE_HEADER: Final = "spikewatch-profile"
_MOST_HELD: Final = 256  # compiled profiles: more than any instance reads in a day
_LONGEST: Final = 40
_EXPECTED: Final = "the name of a profile that `spikewatch profile ls AGENCY` lists, with @version or without"
_EXAMPLE: Final = "tablet-export"


class ProfileRecords(Protocol):
    """The profiles that the directory keeps."""

    def profile(self, agency_id: str, name: str, version: int | None = None) -> ProfileRecord | None:
        """Return a version, the newest by default; None when there is none."""
        ...

    async def appeared_profile(self, agency_id: str, name: str, version: int | None) -> ProfileRecord | None:
        """Return a version; wait a moment for one whose record may still be on its way."""
        ...


class _None:
    """A directory without profiles."""

    def profile(self, agency_id: str, name: str, version: int | None = None) -> ProfileRecord | None:  # noqa: ARG002  # the port's form
        return None

    async def appeared_profile(self, agency_id: str, name: str, version: int | None) -> ProfileRecord | None:  # noqa: ARG002  # as above
        return None


NO_PROFILES: Final = _None()


def name_of(named: str) -> str:
    """Return the name without the version."""
    return named.partition("@")[0]


class ProfileBook:
    """Finds the feed that a profile describes.

    Args:
        records: the directory's profiles.
    """

    def __init__(self, records: ProfileRecords) -> None:
        self._records = records
        self._held: OrderedDict[tuple[str, int, str], Feed | Rejected] = OrderedDict()

    def feed(self, agency_id: str, named: str) -> tuple[str, Feed]:
        """Return ``name@version`` and the feed; without a version the newest.

        Raises:
            Rejected: the agency has no such profile, or it cannot be used.
        """
        name, version = _split(named)
        return self._made(agency_id, self._records.profile(agency_id, name, version))

    async def appeared(self, agency_id: str, named: str) -> tuple[str, Feed]:
        """Do the same for what our own gateway has found already: its record may only be late here."""
        name, version = _split(named)
        return self._made(agency_id, await self._records.appeared_profile(agency_id, name, version))

    def _made(self, agency_id: str, record: ProfileRecord | None) -> tuple[str, Feed]:
        if record is None:
            raise Rejected(Fault.UNSUPPORTED_FORMAT, "profile", "names no profile of this agency", _EXPECTED, _EXAMPLE)
        key = (f"{agency_id}/{record.profile}", record.profile_version, record.etag)
        made = self._held.get(key)
        if made is None:
            made = self._held[key] = _compiled(record)
            if len(self._held) > _MOST_HELD:
                self._held.popitem(last=False)
        else:
            self._held.move_to_end(key)
        if isinstance(made, Rejected):
            # The same refusal each time: without this its traceback would keep every record that it refused.
            raise made.with_traceback(None)
        return f"{record.profile}@{record.profile_version}", made


def _split(named: str) -> tuple[str, int | None]:
    name, _, version = named.partition("@")
    if not 0 < len(named) <= _LONGEST or (version and not (version.isascii() and version.isdecimal())):
        raise Rejected(Fault.UNSUPPORTED_FORMAT, "profile", "is no name of a profile", _EXPECTED, _EXAMPLE)
    return name, int(version) if version else None


def _compiled(record: ProfileRecord) -> Feed | Rejected:
    try:
        profile, feed = compiled(record.content)
    except ProfileInvalid as error:
        first = error.problems[0]
        problem = f"cannot be used: line {first.line}, {first.field} {first.problem}"
        expected = "a profile that `spikewatch profile check` accepts, under its next version"
        return Rejected(Fault.UNSUPPORTED_FORMAT, "profile", problem[:400], expected, "spikewatch profile check profile.yaml")
    if (profile.name, profile.version) != (record.profile, record.profile_version):
        problem = "cannot be used: its content has another name or version than its record"
        return Rejected(
            Fault.UNSUPPORTED_FORMAT, "profile", problem, "the same name and version", "spikewatch profile put AGENCY profile.yaml"
        )
    return feed

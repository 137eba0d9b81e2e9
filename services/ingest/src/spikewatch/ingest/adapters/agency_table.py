"""The directory's agencies in memory, read from its compacted topic by every instance."""

import asyncio
from typing import Final

from spikewatch.chassis.kafka.message import Event
from spikewatch.contracts.directory import AgencyRecord, DirectoryRecord, ProfileRecord

__all__ = ["AgencyTable"]

_PREFIX: Final = "agencies/"
_POLL_SECONDS: Final = 0.05
_MOST_IN_VAIN: Final = 10_000  # names that senders made up must not fill the memory


class AgencyTable:
    """Knows every agency by id.

    Args:
        patience_seconds: how long ``appeared`` waits for an agency that another instance knows already.
    """

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._agencies: dict[str, AgencyRecord] = {}
        self._awaited_in_vain: set[str] = set()
        self._profiles: dict[str, ProfileRecord] = {}
        self._versions: dict[tuple[str, str], dict[int, ProfileRecord]] = {}

    def on_record(self, event: Event[DirectoryRecord]) -> None:
        """Take one record of the directory; a tombstone removes the agency."""
        name = event.key
        if event.body is None:
            self._forget_profile(name)
            if name.startswith(_PREFIX):
                self._agencies.pop(name.removeprefix(_PREFIX), None)
        elif isinstance(event.body.root, AgencyRecord):
            agency = event.body.root
            self._agencies[agency.agency_id] = agency
            self._awaited_in_vain.discard(agency.agency_id)

        elif isinstance(event.body.root, ProfileRecord):
            self._forget_profile(name)
            profile = self._profiles[name] = event.body.root
            self._versions.setdefault(_owner(profile), {})[profile.profile_version] = profile

    def _forget_profile(self, name: str) -> None:
        gone = self._profiles.pop(name, None)
        if gone is not None:
            self._versions[_owner(gone)].pop(gone.profile_version, None)

    def profile(self, agency_id: str, name: str, version: int | None = None) -> ProfileRecord | None:
        """Return a version of an agency's profile, the newest by default; None when the directory has none."""
        versions = self._versions.get((agency_id, name))
        if not versions:
            return None
        return versions.get(max(versions) if version is None else version)

    async def appeared_profile(self, agency_id: str, name: str, version: int | None) -> ProfileRecord | None:
        """Return a version of a profile; wait a moment for one that another instance knows already, but for each only once."""
        deadline = asyncio.get_running_loop().time() + self._patience_seconds
        awaited = f"{agency_id}/{name}@{version}"
        while (found := self.profile(agency_id, name, version)) is None and awaited not in self._awaited_in_vain:
            if asyncio.get_running_loop().time() >= deadline:
                if len(self._awaited_in_vain) < _MOST_IN_VAIN:
                    self._awaited_in_vain.add(awaited)
                break
            await asyncio.sleep(_POLL_SECONDS)
        if found is not None:
            self._awaited_in_vain.discard(awaited)
        return found

    def get(self, agency_id: str) -> AgencyRecord | None:
        """Return the agency, or None when the directory has none of that id."""
        return self._agencies.get(agency_id)

    async def appeared(self, agency_id: str) -> AgencyRecord | None:
        """Return the agency; wait a moment for one whose record may still be on its way, but for each id only once."""
        deadline = asyncio.get_running_loop().time() + self._patience_seconds
        while (agency := self._agencies.get(agency_id)) is None and agency_id not in self._awaited_in_vain:
            if asyncio.get_running_loop().time() >= deadline:
                self._awaited_in_vain.add(agency_id)
            else:
                await asyncio.sleep(_POLL_SECONDS)
        return agency


def _owner(profile: ProfileRecord) -> tuple[str, str]:
    return profile.parent.removeprefix(_PREFIX), profile.profile

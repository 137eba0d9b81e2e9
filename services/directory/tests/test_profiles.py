"""Profiles in the directory: several an agency, each version for ever as it is."""

from datetime import UTC, datetime
from typing import Any

import pytest

from spikewatch.contracts.directory import ProfileRecord
from spikewatch.directory.domain.names import Kind
from spikewatch.directory.domain.records import profile_id
from spikewatch.directory.domain.refusals import HasChildren, InvalidFields, NotFound, SpentVersion, TakenName
from spikewatch.directory.service import Directory
from spikewatch.directory.testing import InMemoryRecordStore
from spikewatch.directory.wire import message_from, record_from, to_message

OWNER = "agencies/cedar-ems"


@pytest.fixture
async def directory() -> Directory:
    made = Directory(InMemoryRecordStore(), clock=lambda: datetime(2026, 5, 1, tzinfo=UTC), wake=lambda: None)
    await made.create(Kind.AGENCY, resource_id="cedar-ems", draft={"display_name": "Cedar EMS", "source_type": "ems"})
    return made


def draft(version: int = 1, content: str = "name: tablet_export", **fields: Any) -> dict[str, Any]:
    return {"display_name": "Tablet", "profile": "tablet_export", "profile_version": version, "content": content} | fields


async def put(directory: Directory, version: int = 1, content: str = "name: tablet_export") -> Any:
    identity = profile_id("tablet_export", version)
    return await directory.create(Kind.PROFILE, parent=OWNER, resource_id=identity, draft=draft(version, content))


async def test_several_versions_are_kept_and_listed(directory: Directory) -> None:
    for version in (1, 2):
        made = await put(directory, version)
        assert isinstance(made, ProfileRecord)
        assert made.name == f"{OWNER}/profiles/tablet-export-v{version}"
    page = await directory.page(Kind.PROFILE, parent=OWNER, query='profile = "tablet_export"')
    assert [record.profile_version for record in page.records if isinstance(record, ProfileRecord)] == [1, 2]


async def test_a_version_never_gets_other_content_not_even_after_its_deletion(directory: Directory) -> None:
    made = await put(directory)
    with pytest.raises(SpentVersion):
        await put(directory, content="name: other")
    for _ in range(2):
        await directory.delete(Kind.PROFILE, name=made.name)
        with pytest.raises(SpentVersion):
            await put(directory, content="name: other")
        await put(directory)
    with pytest.raises(TakenName):
        await put(directory)


async def test_a_removed_version_comes_back_with_the_content_it_had(directory: Directory) -> None:
    made = await put(directory)
    await directory.delete(Kind.PROFILE, name=made.name)
    again = await put(directory)
    assert (again.content, again.version) == (made.content, made.version + 2)


async def test_another_profile_of_the_same_id_is_other_content(directory: Directory) -> None:
    made = await put(directory)
    await directory.delete(Kind.PROFILE, name=made.name)
    with pytest.raises(SpentVersion):
        await directory.create(Kind.PROFILE, parent=OWNER, resource_id="tablet-export-v1", draft=draft(profile="tablet-export"))


async def test_an_agency_with_profiles_is_not_deleted(directory: Directory) -> None:
    await put(directory)
    with pytest.raises(HasChildren):
        await directory.delete(Kind.AGENCY, name=OWNER)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"content": "x" * 65_537}, "profile.content"),
        ({"content": ""}, "profile.content"),
        ({"profile": "Tablet Export"}, "profile.profile"),
        ({"profile_version": 2}, "profile.profile_version"),
        ({"profile_version": 0}, "profile.profile_version"),
    ],
)
async def test_what_is_not_right_is_told_by_field(directory: Directory, changed: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidFields) as caught:
        await directory.create(Kind.PROFILE, parent=OWNER, resource_id="tablet-export-v1", draft=draft(**changed))
    assert field in {problem.field for problem in caught.value.problems}


async def test_its_agency_must_exist(directory: Directory) -> None:
    with pytest.raises(NotFound):
        await directory.create(Kind.PROFILE, parent="agencies/none", resource_id="tablet-export-v1", draft=draft())


async def test_a_profile_survives_the_wire(directory: Directory) -> None:
    made = await put(directory)
    assert record_from(Kind.PROFILE, to_message(made)) == made
    fields = draft() | {"name": made.name}
    assert message_from(Kind.PROFILE, fields).content == made.content

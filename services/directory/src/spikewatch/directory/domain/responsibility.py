"""Who answers for a place: for each role the contacts of the most specific area that has one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter, ValidationError

from spikewatch.contracts.contract import AreaId
from spikewatch.contracts.directory import ContactRecord, ContactRole
from spikewatch.directory.domain.refusals import InvalidFields

__all__ = ["Responsible", "check_areas", "responsible"]

_MOST_AREAS: Final = 100  # a place lies in about twenty; more is a mistake of the caller
_AREA: Final = TypeAdapter(AreaId)
_ORDER: Final = {role: position for position, role in enumerate(ContactRole)}


@dataclass(frozen=True, slots=True)
class Responsible:
    """A contact and the area it was chosen for."""

    contact: ContactRecord
    area: str


def check_areas(areas: Sequence[str]) -> None:
    """Return when the areas can be asked for.

    Raises:
        InvalidFields: there are none, too many, or one is not written kind:code.
    """
    problem = "" if areas else "is missing"
    if len(areas) > _MOST_AREAS:
        problem = "holds too many areas"
    for area in areas[:_MOST_AREAS]:
        try:
            _AREA.validate_python(area)
        except ValidationError:
            problem = "is not right"
    if problem:
        raise InvalidFields.of("areas", problem, f"1 to {_MOST_AREAS} areas written kind:code, most specific first", "county:42091")


def responsible(contacts: Iterable[ContactRecord], areas: Sequence[str], roles: Iterable[ContactRole]) -> list[Responsible]:
    """Choose from contacts of any of the areas; an empty ``roles`` wants all. The order is by role, then name."""
    wanted = set(roles) or set(ContactRole)
    known = list(contacts)
    chosen: list[Responsible] = []
    for role in sorted(wanted, key=_ORDER.__getitem__):
        of_role = sorted((contact for contact in known if contact.role is role), key=lambda contact: contact.name)
        area = next((area for area in areas if any(area in contact.areas for contact in of_role)), None)
        if area is not None:
            chosen.extend(Responsible(contact, area) for contact in of_role if area in contact.areas)
    return chosen

"""Fan-out: which contributions an incident adds, and which it takes back since it moved."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from spikewatch.contracts.contract import unchecked
from spikewatch.contracts.contribution import ContributedOverdose, Contribution
from spikewatch.contracts.incident import Incident

__all__ = ["Fanned", "contributions_of", "fanned", "retracted"]

# The area is the first member; nothing in an area's id is escaped.
_BEHIND_AREA: Final = b',"incident_id":'
# Made of what an incident holds, which was checked when it was read.
_contribution: Final = unchecked(Contribution)
_overdose: Final = unchecked(ContributedOverdose)


@dataclass(slots=True)
class Fanned:
    """Where an incident counts. ``left`` are areas it counted in before.

    ``left`` is kept with each state, so that after a crash between write and publish the same tombstones come again.
    ``gone_at`` is the partition and offset of the tombstone that retracted it, None while it stands.
    """

    incident: UUID
    version: int
    place_key: str
    areas: tuple[str, ...]
    left: tuple[str, ...] = ()
    gone_at: tuple[int, int] | None = None
    sequence: int = field(default=1, compare=False)


def fanned(
    incident: Incident, before: Fanned | None, position: tuple[int, int], vicinities: Mapping[str, tuple[str, ...]]
) -> Fanned | None:
    """Return where the incident counts now, or None if the record is older than what is known.

    ``vicinities`` are areas made of others, by each area that is a part of them: the incident counts once in each.

    The same version again gives the same state again.
    """
    if before is not None:
        gone = before.gone_at
        is_older = incident.version < before.version if gone is None else incident.version <= before.version
        if is_older and not (gone is not None and gone[0] == position[0] and gone[1] < position[1]):
            return None
    areas = tuple(sorted({*incident.areas, *(vicinity for area in incident.areas for vicinity in vicinities.get(area, ()))}))
    return Fanned(incident.incident_id, incident.version, incident.place_key, areas, _left(before, areas))


def retracted(incident: UUID, before: Fanned | None, position: tuple[int, int]) -> Fanned | None:
    """Return the state after a tombstone, or None if the tombstone is older than what is known."""
    if before is None:
        return Fanned(incident, 0, "", (), (), gone_at=position)
    if before.gone_at is not None and before.gone_at[0] == position[0] and position[1] < before.gone_at[1]:
        return None
    return Fanned(incident, before.version, before.place_key, (), _left(before, ()), gone_at=position)


def contributions_of(incident: Incident, areas: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """Yield each area with the incident's contribution to it, as JSON. They differ in the area alone, so it is written once."""
    if not areas:
        return
    overdoses = tuple(
        _overdose(
            overdose_id=overdose.overdose_id,
            occurred_at=overdose.occurred_at,
            outcome=overdose.outcome,
            drug_classes=tuple(dict.fromkeys(drug.drug_class for drug in overdose.drugs)),
            case_definition_hits=overdose.case_definition_hits,
            reports=overdose.reports,
        )
        for overdose in incident.overdoses
    )
    contribution = _contribution(
        area=areas[0],
        incident_id=incident.incident_id,
        revision=incident.version,
        place_key=incident.place_key,
        overdoses=overdoses,
    )
    wire = contribution.to_json()
    rest = wire[wire.index(_BEHIND_AREA) :]
    for area in areas:
        yield area, b'{"area":"%b"%b' % (area.encode(), rest)


def _left(before: Fanned | None, areas: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({*before.areas, *before.left} - set(areas))) if before else ()

"""A contribution: one incident's weight in one area."""

from uuid import UUID

from pydantic import Field

from spikewatch.contracts.contract import AreaId, Contract, ShortText, UtcDatetime
from spikewatch.contracts.incident import DefinitionsMet, ReportReference
from spikewatch.contracts.vocabulary import DrugClass, Outcome

__all__ = ["ContributedOverdose", "Contribution", "contribution_key", "split_contribution_key"]


class ContributedOverdose(Contract):
    """What a rule needs to know of one overdose."""

    overdose_id: UUID
    occurred_at: UtcDatetime
    outcome: Outcome
    drug_classes: tuple[DrugClass, ...] = ()
    case_definition_hits: DefinitionsMet = ()
    reports: tuple[ReportReference, ...] = Field(min_length=1)


class Contribution(Contract):
    """The overdoses that one incident adds to one area; a tombstone takes them away."""

    area: AreaId
    incident_id: UUID
    revision: int = Field(ge=1, description="Version of the incident it comes from.")
    place_key: ShortText
    overdoses: tuple[ContributedOverdose, ...] = Field(min_length=1)


def contribution_key(area: str, incident: UUID | str) -> str:
    """Return the record key: area and incident id. A UUID makes its text anew each time: who has it gives the text."""
    return f"{area}|{incident}"


def split_contribution_key(key: str) -> tuple[str, UUID]:
    """Return area and incident id of a record key.

    Raises:
        ValueError: the key is not ``area|uuid``.
    """
    area, separator, incident = key.rpartition("|")
    if not separator:
        message = f"expected area|incident id, for example county:42091|{UUID(int=0)}"
        raise ValueError(message)
    return area, UUID(incident)

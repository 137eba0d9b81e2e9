"""Records of the directory as they travel on ``directory.records.v1``."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, RootModel, StringConstraints

from spikewatch.contracts.contract import AgencyId, AreaId, Contract, FreeText, ShortText, UtcDatetime
from spikewatch.contracts.vocabulary import SourceType

__all__ = [
    "AgencyRecord",
    "AgencyState",
    "ContactRecord",
    "ContactRole",
    "DirectoryRecord",
    "ProfileRecord",
    "ProviderRecord",
    "RuleRecord",
    "ServiceRecord",
    "ServiceStatus",
]


ProfileName = Annotated[str, StringConstraints(pattern=r"^[a-z](?:[a-z0-9_-]{0,30}[a-z0-9])$")]
"""A profile's name: 2 to 32 of a-z, 0-9, hyphen and underscore."""

ProfileText = Annotated[str, StringConstraints(min_length=1, max_length=65_536)]


RuleText = Annotated[str, StringConstraints(min_length=1, max_length=65_536)]


class AgencyState(StrEnum):
    """Whether an agency's submissions are taken."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class ContactRole(StrEnum):
    """What a contact answers for."""

    SPIKE_COORDINATOR = "spike_coordinator"
    PUBLIC_HEALTH_ANALYST = "public_health_analyst"
    DRUG_INTELLIGENCE_OFFICER = "drug_intelligence_officer"
    OUTREACH = "outreach"
    DUTY_DESK = "duty_desk"


class ServiceStatus(StrEnum):
    """HSDS service status."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    DEFUNCT = "defunct"
    TEMPORARILY_CLOSED = "temporarily closed"


class _Record(Contract):
    name: ShortText = Field(description="Resource name, for example agencies/cedar-county-ems.")
    display_name: ShortText
    etag: ShortText
    version: int = Field(ge=1)
    update_time: UtcDatetime


class AgencyRecord(_Record):
    """An agency that sends reports."""

    kind: Literal["agency"] = "agency"
    agency_id: AgencyId
    source_type: SourceType
    state: AgencyState = AgencyState.ACTIVE
    time_zone: ShortText = Field(default="", description="IANA zone of the agency's naive times; empty: such times are refused.")
    county_fips: ShortText | None = Field(default=None, description="Home county, used when a record names none.")
    areas: tuple[AreaId, ...] = ()
    sends_every_s: float | None = Field(default=None, gt=0, description="How often it says that it sends, in seconds; None: learnt.")


class ProviderRecord(_Record):
    """An HSDS organization that offers treatment or harm reduction."""

    kind: Literal["provider"] = "provider"
    description: FreeText = ""
    website: ShortText | None = None


class ServiceRecord(_Record):
    """An HSDS service of a provider."""

    kind: Literal["service"] = "service"
    provider: ShortText
    description: FreeText = ""
    status: ServiceStatus = ServiceStatus.ACTIVE
    categories: tuple[ShortText, ...] = ()
    lat: float | None = Field(default=None, ge=-90, le=90)
    lon: float | None = Field(default=None, ge=-180, le=180)
    assured_date: ShortText | None = Field(default=None, description="ISO date on which somebody last vouched for it.")


class ContactRecord(_Record):
    """An institution's desk and the areas it answers for."""

    kind: Literal["contact"] = "contact"
    parent: ShortText
    organization: ShortText
    role: ContactRole
    email: ShortText | None = None
    phone: ShortText | None = None
    areas: tuple[AreaId, ...] = ()


class ProfileRecord(_Record):
    """One version of how an agency's own table is read. Its content never changes; a change is another version."""

    kind: Literal["profile"] = "profile"
    parent: ShortText = Field(description="The agency, for example agencies/cedar-county-ems.")
    profile: ProfileName
    profile_version: int = Field(ge=1, le=9_999)
    content: ProfileText = Field(description="The profile as YAML; docs/formats/profiles.md says what it may hold.")


class RuleRecord(_Record):
    """A rule that says when the overdoses in an area are a spike, as it stands: its newest version."""

    kind: Literal["rule"] = "rule"
    rule_version: int = Field(
        ge=1, description="The rule's own version. A change of anything but description, source and enabled is a higher one."
    )
    document: RuleText = Field(description="The rule as one JSON object; docs/detection/rules-and-back-tests.md says what it may hold.")


class DirectoryRecord(
    RootModel[
        Annotated[
            AgencyRecord | ProviderRecord | ServiceRecord | ContactRecord | ProfileRecord | RuleRecord,
            Field(discriminator="kind"),
        ]
    ]
):
    """Any record of the directory; ``kind`` tells which."""

    def to_json(self) -> bytes:
        """Return the wire form: UTF-8 JSON without absent fields."""
        return self.root.to_json()

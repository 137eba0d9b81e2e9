"""The directory of Cedar County: agencies, two providers with their services, and the desks that answer for areas."""

from typing import Any

from spikewatch.cli.county.agencies import AGENCIES
from spikewatch.cli.county.geography import COUNTY_FIPS, NEIGHBOURHOODS, STATE, TIME_ZONE
from spikewatch.contracts.directory import ContactRole

__all__ = ["directory_records"]

_COUNTY = f"county:{COUNTY_FIPS}"


def _agency(agency_id: str, name: str, source_type: str) -> dict[str, Any]:
    return {
        "kind": "agency",
        "name": f"agencies/{agency_id}",
        "display_name": name,
        "agency_id": agency_id,
        "source_type": source_type,
        "time_zone": TIME_ZONE,
        "county_fips": COUNTY_FIPS,
        "areas": [_COUNTY],
    }


def _desk(parent: str, name: str, organization: str, role: ContactRole, phone: str, areas: list[str]) -> dict[str, Any]:
    return {
        "kind": "contact",
        "name": f"{parent}/contacts/{name}",
        "display_name": f"{organization}, {name.replace('-', ' ')}",
        "parent": parent,
        "organization": organization,
        "role": role.value,
        "email": f"{name}@{parent.rpartition('/')[2]}.example.org",
        "phone": phone,
        "areas": areas,
    }


def _areas_of(*cities: str) -> list[str]:
    """Return the cities with their ZIPs and neighbourhoods, sorted within each kind."""
    places = [place for place in NEIGHBOURHOODS if place.city in cities]
    return [
        *sorted({place.city_area for place in places}),
        *sorted({place.zip_area for place in places}),
        *(place.area for place in places),
    ]


def directory_records() -> list[dict[str, Any]]:
    """Return every record to load, parents before children; institutions only, numbers and domains that reach nobody."""
    health = "agencies/cedar-county-health"
    records = [_agency(agency.agency_id, agency.name, agency.source_type.value) for agency in AGENCIES]
    records.append(_agency("cedar-county-health", "Cedar County Health Department", "community"))
    records += [
        {
            "kind": "provider",
            "name": "providers/harbor-house",
            "display_name": "Harbor House",
            "description": "Treatment for substance use disorder, walk-in.",
            "website": "https://harbor-house.example.org",
        },
        {
            "kind": "provider",
            "name": "providers/open-door",
            "display_name": "Open Door Outreach",
            "description": "Harm reduction: naloxone, test strips, syringe services.",
            "website": "https://open-door.example.org",
        },
    ]
    east, west = NEIGHBOURHOODS[-1], NEIGHBOURHOODS[0]
    for provider, service, name, categories, place in (
        ("harbor-house", "medication-treatment", "Medication treatment, same day", ["opioid-treatment-program"], east),
        ("open-door", "naloxone-to-go", "Naloxone to take home", ["naloxone", "harm-reduction"], west),
    ):
        records.append(
            {
                "kind": "service",
                "name": f"providers/{provider}/services/{service}",
                "display_name": name,
                "provider": f"providers/{provider}",
                "description": "Open to everyone, free of charge.",
                "categories": categories,
                "lat": round(place.south + 0.025, 5),
                "lon": round(place.west + 0.025, 5),
                "assured_date": "2026-01-15",
            }
        )
    health_name = "Cedar County Health Department"
    everywhere = [_COUNTY, *_areas_of("Westmark", "Middlemark", "Eastmark")]
    west_side, east_side = _areas_of("Westmark", "Middlemark"), _areas_of("Eastmark")
    records += [
        _desk(health, "spike-desk", health_name, ContactRole.SPIKE_COORDINATOR, "+1-555-0100", everywhere),
        _desk(health, "analysts", health_name, ContactRole.PUBLIC_HEALTH_ANALYST, "+1-555-0101", [_COUNTY, f"state:{STATE}"]),
        _desk("agencies/cedar-county-ems", "duty-desk", "Cedar County EMS", ContactRole.DUTY_DESK, "+1-555-0102", everywhere),
        _desk(
            "agencies/westmark-police",
            "intelligence",
            "Westmark Police Department",
            ContactRole.DRUG_INTELLIGENCE_OFFICER,
            "+1-555-0103",
            west_side,
        ),
        _desk(
            "agencies/eastmark-police",
            "intelligence",
            "Eastmark Police Department",
            ContactRole.DRUG_INTELLIGENCE_OFFICER,
            "+1-555-0104",
            east_side,
        ),
        _desk("providers/open-door", "outreach-team", "Open Door Outreach", ContactRole.OUTREACH, "+1-555-0105", everywhere),
    ]
    return records

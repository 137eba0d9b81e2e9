"""Identifiers never change: they are in the databases and on the topics of every deployment."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewatch.contracts import identifiers

FOUNDER = UUID("11111111-2222-5333-8444-555555555555")


@pytest.mark.parametrize(
    ("made", "golden"),
    [
        (identifiers.report_key("cedar-county-ems", "EX-1001"), "20837416-e7a7-5bcd-accf-8eece0839f61"),
        (identifiers.report_id("cedar-county-ems", "EX-1001", 2), "082d3dca-81c9-573d-a574-ac2c1f18971d"),
        (identifiers.overdose_id(FOUNDER), "2d4de50c-46bd-51c4-ae16-e4cc16ef59d4"),
        (identifiers.incident_id(FOUNDER), "79b5f2ba-0ce7-59a1-acc5-43b6d2efe38d"),
        (identifiers.alert_id("county-24h", 1, "county:99001", "2026-05-01T14:03:00Z"), "0d26695f-3a43-50ac-95b5-f7233b57aeb9"),
        (identifiers.record_submission_id(FOUNDER, 3), "93225703-4cfe-5468-a37b-f2f551aa2e54"),
        (identifiers.event_id("org.spikewatch.report.normalised.v1", FOUNDER, 2), "a23e8443-fd43-5074-b70b-8fd05ae91692"),
    ],
)
def test_golden_values(made, golden):
    assert str(made) == golden


PART = st.text(st.characters(exclude_characters="\x1f", exclude_categories=["Cs"]), max_size=20)


@given(PART, PART, PART, PART)
def test_reports_differ_whenever_agency_or_record_does(agency, record, other_agency, other_record):
    same = (agency, record) == (other_agency, other_record)
    assert (identifiers.report_key(agency, record) == identifiers.report_key(other_agency, other_record)) is same


def test_parts_do_not_run_into_each_other():
    assert identifiers.report_key("a", "b-c") != identifiers.report_key("a-b", "c")
    assert identifiers.report_id("a", "1", 11) != identifiers.report_id("a", "11", 1)


def test_kinds_do_not_collide():
    assert identifiers.overdose_id(FOUNDER) != identifiers.incident_id(FOUNDER)

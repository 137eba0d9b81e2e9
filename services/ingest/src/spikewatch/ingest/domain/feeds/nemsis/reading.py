"""Makes a reading of one patient care report."""

import re
from typing import Final

from spikewatch.contracts.report import QualityNote
from spikewatch.ingest.domain.feeds.feed import NotAnOverdose, Reading, Source
from spikewatch.ingest.domain.feeds.nemsis.elements import Pcr
from spikewatch.ingest.domain.feeds.nemsis.evidence import found
from spikewatch.ingest.domain.feeds.nemsis.folds import destination, disposition, is_without_patient, outcome, victims
from spikewatch.ingest.domain.feeds.nemsis.moment import best_moment
from spikewatch.ingest.domain.feeds.nemsis.place import scene
from spikewatch.ingest.domain.feeds.nemsis.reversal import reversal
from spikewatch.ingest.domain.feeds.reported import reported
from spikewatch.ingest.domain.identifying import is_identifying
from spikewatch.ingest.domain.record import Fields
from spikewatch.ingest.domain.rejection import Fault, Rejected

__all__ = ["read"]

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", re.ASCII)
_AGENCY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#-]{0,49}", re.ASCII)
# Every word of it has a digit, and none is a date alone: anything else may be a name or a birthday.
_WORD: Final = r"[A-Za-z._:/#-]{0,20}\d[A-Za-z0-9._:/#-]{0,49}"
_DATE: Final = r"\b(?:19|20)\d\d[-./]\d\d[-./]\d\d(?: |$)"
_NUMBER: Final = re.compile(rf"(?=.{{1,50}}$)(?!.*{_DATE}){_WORD}(?: {_WORD}){{0,3}}", re.ASCII)


def read(fields: Fields, source: Source) -> Reading | NotAnOverdose:
    """Make a reading of one report; the case definitions decide whether it is an overdose.

    Raises:
        Rejected: it has no identity or no usable time.
    """
    pcr = fields.get("PatientCareReport")
    if not isinstance(pcr, Pcr):
        raise Rejected(Fault.MALFORMED, "PatientCareReport", "is missing", "a PatientCareReport element", "<PatientCareReport UUID=…>")
    record, doubts = _record_id(pcr, source)
    instant, basis, time_doubts = best_moment(pcr, source)
    location, place_doubts = scene(pcr, source)
    given, facts, reversal_doubts = reversal(pcr)
    person, person_doubts = victims(pcr)
    ended = outcome(pcr)
    incident, incident_doubts = _number(pcr, "eResponse.03", "incident_number")
    call, call_doubts = _number(pcr, "eDispatch.06", "cad_number")
    report = reported(
        source,
        record,
        None,
        instant,
        basis=basis,
        location=location,
        outcome=ended,
        reversal=given,
        victims=person,
        disposition=disposition(pcr, ended),
        destination=destination(pcr),
        incident_number=incident,
        cad_number=call,
        quality=(*doubts, *time_doubts, *place_doubts, *reversal_doubts, *person_doubts, *incident_doubts, *call_doubts),
    )
    if is_without_patient(pcr):
        return NotAnOverdose(report)
    return Reading(report, found=found(pcr, ended, facts), is_declared=False)


def _record_id(pcr: Pcr, source: Source) -> tuple[str, list[QualityNote]]:
    """Return the UUID, else the agency and its number of the report.

    Raises:
        Rejected: there is neither.
    """
    if _UUID.fullmatch(pcr.uuid):
        return pcr.uuid.lower(), []
    number = pcr.text("eRecord.01")
    if number is None:
        problem = "is no UUID, and eRecord.01 is missing"
        raise Rejected(Fault.MISSING_FIELD, "PatientCareReport/@UUID", problem, "a UUID", "a1500a8d-f414-4ca3-84bc-4e0a7d0ccb15")
    agency = pcr.agency.get("dAgency.02") or pcr.text("eResponse.01") or ""
    plain = f"{agency}/{number}" if agency else number
    is_plain = _NUMBER.fullmatch(number) and (not agency or _AGENCY.fullmatch(agency)) and not is_identifying(plain)
    state = pcr.agency.get("dAgency.04", "")
    record = plain if is_plain else source.hashed_id("nemsis", state, agency, number)
    return record, [QualityNote(field="source_record_id", code="uuid_missing")]


def _number(pcr: Pcr, name: str, field: str) -> tuple[str | None, list[QualityNote]]:
    text = pcr.text(name)
    if text is None:
        return None, []
    if _NUMBER.fullmatch(text) and not is_identifying(text):
        return text, []
    return None, [QualityNote(field=field, code="not_usable")]

"""Takes HL7 messages from MLLP: says AA only when the broker holds a message, and tells the sender at once what is wrong with it."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode

from spikewatch.chassis.outcome import Permanent
from spikewatch.contracts.directory import AgencyRecord, AgencyState
from spikewatch.ingest.adapters.mllp import Frame
from spikewatch.ingest.domain.feeds.feed import FILE_KEY, Feed, Source
from spikewatch.ingest.domain.feeds.hl7_adt import MEDIA_TYPE
from spikewatch.ingest.domain.feeds.hl7_adt.answer import NOT_STORED, Complaint, answer, complaint_of, is_silent
from spikewatch.ingest.domain.feeds.hl7_adt.er7 import Message, read_head
from spikewatch.ingest.domain.record import RawRecord
from spikewatch.ingest.domain.rejection import Fault, Rejected
from spikewatch.ingest.ports import Agencies
from spikewatch.ingest.reception import Reception, Unconfirmed

__all__ = ["Hl7Desk", "Senders"]

_log: Final = logging.getLogger(__name__)
_tracer: Final = trace.get_tracer("spikewatch.ingest")
_NO_SUBMISSION: Final = UUID(int=0)  # of a reading that is thrown away
_RETRY_SECONDS: Final = 1.0
_SENDER_EXAMPLE: Final = "Cedar Hospital^1234567893^NPI"


@dataclass(frozen=True, slots=True)
class Senders:
    """Which agency a message belongs to.

    Attributes:
        by_facility: agency id by MSH-4, its name or its id, in any case.
        otherwise: the agency of all others; None: they are refused.
    """

    by_facility: Mapping[str, str]
    otherwise: str | None

    def agency_of(self, head: Message) -> str | None:
        """Return the agency id, or None for a sender that nobody named."""
        for component in (2, 1):
            found = self.by_facility.get(head.head.code(4, component).casefold())
            if found is not None:
                return found
        return self.otherwise


class Hl7Desk:
    """Takes frames and answers them.

    Args:
        reception: publishes submissions.
        agencies: the directory's agencies.
        senders: whose message it is.
        feed: how it is read.
        max_bytes: of one message, for the answer to a larger one.
        now: the clock.
        control_id: makes the ids of answers.
    """

    def __init__(
        self,
        reception: Reception,
        agencies: Agencies,
        senders: Senders,
        *,
        feed: Feed,
        max_bytes: int,
        now: Callable[[], datetime],
        control_id: Callable[[], str],
    ) -> None:
        self._reception = reception
        self._agencies = agencies
        self._senders = senders
        self._feed = feed
        self._max_bytes = max_bytes
        self._now = now
        self._control_id = control_id

    async def take(self, frame: Frame) -> bytes | None:
        """Return the answer to a frame, in the sender's encoding; None where the sender wants none."""
        with _tracer.start_as_current_span("MLLP receive", context=Context(), kind=SpanKind.SERVER, record_exception=False) as span:
            record, head, rejected = self._cut(frame)
            if rejected is None and record is not None and head is not None:
                complaint = await self._accept(frame.body, record, head)
            else:
                complaint = None if rejected is None else complaint_of(rejected)
            if complaint is not None:
                span.set_attribute("error.type", complaint.reason)
                if complaint is NOT_STORED:
                    span.set_status(Status(StatusCode.ERROR))
                _log.info("hl7 message not taken", extra={"reason": complaint.reason, "field": complaint.field})
            text = answer(head, complaint, at=self._now(), control_id=self._control_id())
            return None if text is None else text.encode(head.charset if head is not None else "utf-8", errors="replace")

    def _cut(self, frame: Frame) -> tuple[RawRecord | None, Message | None, Rejected | None]:
        """Return the message, its MSH, and what is wrong; a message whose MSH cannot be read is always wrong."""
        try:
            # Two are enough to see that there is more than one; its sender still gets its control id back.
            records = list(islice(self._feed.records(frame.body, MEDIA_TYPE, limit=3), 2))
        except Rejected as rejected:
            return None, None, rejected
        record = records[0]
        head, fault = _head_of(record)
        if frame.is_oversize:
            fault = _too_large(self._max_bytes)
        elif len(records) > 1 or frame.body[:3] in {b"FHS", b"BHS"}:
            fault = Rejected(Fault.MALFORMED, "MSH", "comes more than once", "one message between 0x0B and 0x1C", "MSH|^~\\&|…")
        return record, head, record.rejected or fault

    async def _accept(self, body: bytes, record: RawRecord, head: Message) -> Complaint | None:
        try:
            agency = await self._agency(head)
            # The very reading that the normaliser will do: so the sender is told now what would else end as a dead letter.
            # Its report is thrown away, so the key of its id does not matter.
            source = Source.of(
                agency,
                received_at=self._now(),
                submission_id=_NO_SUBMISSION,
                feed=self._feed.name,
                trace_id=None,
                record_key=FILE_KEY,
            )
            self._feed.read(record.fields, source)
            await self._publish(agency, body, is_silent=is_silent(head))
        except Rejected as rejected:
            return complaint_of(rejected)
        except Permanent as error:
            return complaint_of(Rejected(Fault.TOO_LARGE, None, error.problem or "is too large", error.expected or "a smaller message"))
        except Unconfirmed as error:
            _log.warning("hl7 message cannot be taken now", extra={"cause": type(error.__cause__ or error).__name__})
            return NOT_STORED
        except Exception as error:  # noqa: BLE001  # the sender gets an answer whatever failed
            _log.error("hl7 message failed", extra={"error_type": type(error).__name__})  # no traceback: its values may be personal
            return NOT_STORED
        return None

    async def _publish(self, agency: AgencyRecord, body: bytes, *, is_silent: bool) -> None:
        while True:
            try:
                await self._reception.accept(agency, self._feed, MEDIA_TYPE, body, None)
            except Unconfirmed:
                if not is_silent:
                    raise
                # Its sender will hear of nothing and send nothing again: it is held here, and those behind it wait.
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return

    async def _agency(self, head: Message) -> AgencyRecord:
        agency_id = self._senders.agency_of(head)
        agency = None if agency_id is None else await self._agencies.appeared(agency_id)
        if agency is None:
            problem = "names a facility that this listener takes nothing from"
            raise Rejected(Fault.UNKNOWN_AGENCY, "MSH-4", problem, "a sending facility that the operator has enrolled", _SENDER_EXAMPLE)
        if agency.state is AgencyState.SUSPENDED:
            raise Rejected(
                Fault.SUSPENDED_AGENCY, "MSH-4", "names a suspended agency", "an active agency; ask the operator", _SENDER_EXAMPLE
            )
        return agency


def _head_of(record: RawRecord) -> tuple[Message | None, Rejected | None]:
    try:
        return read_head(str(record.fields.get("message", record.original)), str(record.fields.get("charset", "utf-8"))), None
    except Rejected as rejected:
        return None, rejected


def _too_large(most: int) -> Rejected:
    return Rejected(Fault.TOO_LARGE, None, "is too large", f"at most {most} bytes", "one visit a message")

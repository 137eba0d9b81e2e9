"""Builders shared by the tests: records of one made-up county, and a service over stores in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest

from spikewatch.alerts.domain.contributed import Contributed, contributed_of
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.alerts.service.area_cache import AreaCache
from spikewatch.alerts.service.close_quiet import CloseQuiet
from spikewatch.alerts.service.evaluate import Evaluate
from spikewatch.alerts.testing import (
    FakeContactBook,
    FakeFeedBook,
    FakePublishing,
    InMemoryAlertStore,
    InMemoryAreaStore,
    InMemoryContributionStore,
)
from spikewatch.chassis.kafka.message import Event, Record
from spikewatch.chassis.outcome import Emit
from spikewatch.contracts.alert import Alert
from spikewatch.contracts.cloudevents import Attributes
from spikewatch.contracts.contribution import ContributedOverdose, Contribution, contribution_key
from spikewatch.contracts.incident import ReportReference
from spikewatch.contracts.vocabulary import DrugClass, Outcome, SourceType

START = datetime(2026, 3, 1, tzinfo=UTC)
AREA = "county:42091"
_NAMES = UUID("00000000-0000-5000-8000-000000000000")


def named(*parts: object) -> UUID:
    return uuid5(_NAMES, "/".join(map(str, parts)))


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def contribution(
    incident: object,
    minutes: Sequence[float],
    revision: int = 1,
    area: str = AREA,
    outcome: Outcome = Outcome.UNKNOWN,
    classes: tuple[DrugClass, ...] = (),
    definitions: tuple[str, ...] = (),
) -> Contribution:
    return Contribution(
        area=area,
        incident_id=named("incident", incident),
        revision=revision,
        place_key="42091",
        overdoses=tuple(
            ContributedOverdose(
                overdose_id=named("overdose", incident, place),
                occurred_at=at(minute),
                outcome=outcome,
                drug_classes=classes,
                case_definition_hits=definitions,
                reports=(
                    ReportReference(
                        report_id=named("report", incident, place, revision),
                        report_key=named("report", incident, place),
                        source_agency_id="cedar-county-ems",
                        source_type=SourceType.EMS,
                        submission_id=named("submission", incident),
                        trace_id=f"{named('trace', incident).hex}",
                    ),
                ),
            )
            for place, minute in enumerate(minutes)
        ),
    )


def event(body: Contribution | None, offset: int, *, incident: object = None, area: str = AREA, partition: int = 0) -> Event[Contributed]:
    key = contribution_key(body.area, body.incident_id) if body is not None else contribution_key(area, named("incident", incident))
    record = Record("overdose.contributions.v1", partition, offset, key.encode(), None, (), START)
    return Event(record, Attributes(id=str(offset), source="/services/alerts", type="t"), None if body is None else contributed_of(body))


def rule(kind: str = "fixed_count", **changes: object) -> Rule:
    fields: dict[str, object] = {
        "id": kind.replace("_", "-"),
        "version": 1,
        "description": "A rule for tests.",
        "kind": kind,
        "window_hours": 1,
        "quiet_hours": 2,
        "area_kinds": ["county"],
    }
    fields["parameters"] = {
        "fixed_count": {"threshold": 3, "comparison": "at_least"},
        "mean_plus_sd": {"sds": 1.5, "history_days": 0.5, "minimum_history_days": 0.125, "lag_hours": 1, "minimum_count": 2},
        "poisson": {"probability": 0.2, "baseline_days": 0.5, "minimum_history_days": 0.125, "guard_hours": 1, "minimum_count": 2},
        "sliding_window": {
            "false_alarms_a_year": 365,
            "baseline_days": 0.5,
            "minimum_history_days": 0.125,
            "guard_hours": 1,
            "minimum_count": 2,
        },
    }.get(kind, {})
    return Rule.model_validate(fields | changes)


@dataclass
class Service:
    """Evaluation over stores in memory."""

    rulebook: Rulebook
    is_live: bool = False
    most_overdoses: int = 100_000
    now: datetime = field(default_factory=lambda: START + timedelta(days=400))

    def __post_init__(self) -> None:
        self.contributions = InMemoryContributionStore()
        self.areas = InMemoryAreaStore()
        self.alerts = InMemoryAlertStore(lambda: self.now)
        self.contacts = FakeContactBook()
        self.feeds = FakeFeedBook()
        self.publishing = FakePublishing()
        self.restart()

    def restart(self) -> None:
        """Lose everything that is only in memory."""
        self.cache = AreaCache(self.most_overdoses)
        self.evaluate = Evaluate(
            self.rulebook,
            self.contributions,
            self.areas,
            self.alerts,
            self.contacts,
            self.feeds,
            self.cache,
            clock=lambda: self.now,
            is_live=self.is_live,
        )
        self.quiet = CloseQuiet(self.alerts, self.contributions, self.publishing, clock=lambda: self.now, is_live=self.is_live)

    async def take(self, *events: Event[Contributed]) -> list[Alert]:
        """Process one batch as the chassis does and return the published alerts."""
        outcomes = await self.evaluate(list(events))
        published = [message.body for outcome in outcomes if isinstance(outcome, Emit) for message in outcome.messages]
        await self.evaluate.on_published()
        assert all(isinstance(alert, Alert) for alert in published)
        return published  # type: ignore[return-value]  # asserted above

    def standing(self) -> list[Alert]:
        """Return the alerts that are not retracted, oldest first."""
        kept = [kept.alert for kept, _ in self.alerts.held.values() if not kept.is_retracted]
        return sorted(kept, key=lambda alert: (alert.rule.rule_id, alert.area, alert.opened_at))


@dataclass(frozen=True)
class Make:
    """The builders, handed to tests as one fixture."""

    contribution: Callable[..., Contribution]
    event: Callable[..., Event[Contributed]]
    rule: Callable[..., Rule]
    at: Callable[[float], datetime]
    named: Callable[..., UUID]
    service: Callable[..., Service]
    area: str = AREA


def _service(*rules: Rule, **options: object) -> Service:
    return Service(Rulebook(rules), **options)  # type: ignore[arg-type]  # passed on as given


@pytest.fixture(scope="session")
def make() -> Make:
    return Make(contribution, event, rule, at, named, _service)

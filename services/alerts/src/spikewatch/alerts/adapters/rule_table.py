"""The rules in force, in memory: those of the file with those of the directory, read from its compacted topic by every instance."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from spikewatch.alerts.domain.composition import Composition, Unusable, composed, read_rule
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.chassis.kafka.message import Event
from spikewatch.contracts.case_definitions import SHIPPED_DEFINITIONS
from spikewatch.contracts.directory import DirectoryRecord, RuleRecord

__all__ = ["RuleTable"]

_log: Final = logging.getLogger(__name__)
_PREFIX: Final = "rules/"


class RuleTable:
    """Composes the rules anew with each record of a rule, and tells who listens when they are others.

    A rule that stays keeps its object, which remembers what it learnt.
    """

    def __init__(self, of_file: Rulebook, definitions: Mapping[str, int] = SHIPPED_DEFINITIONS) -> None:
        self._of_file = of_file
        self._definitions = definitions
        self._stored: dict[str, Rule | Unusable] = {}
        self._offsets: dict[tuple[int, str], int] = {}
        self._listeners: list[Callable[[Rulebook], None]] | None = None
        self._composition = Composition(of_file)
        meter = metrics.get_meter("spikewatch.alerts")
        meter.create_observable_gauge("spikewatch.alerts.rules", [self._in_force], unit="{rule}")
        meter.create_observable_gauge("spikewatch.alerts.rules.unusable", [self._unusable])

    @property
    def rulebook(self) -> Rulebook:
        """The rules as they are now."""
        return self._composition.rulebook

    def on_record(self, event: Event[DirectoryRecord]) -> None:
        """Take one record of the directory; a tombstone removes the rule."""
        name = event.key.removeprefix(_PREFIX)
        if name == event.key:
            return
        # After an outage the topic comes again from its start: what is older than what is known must not be in force for a moment.
        place = (event.record.partition, name)
        if event.record.offset <= self._offsets.get(place, -1):
            return
        self._offsets[place] = event.record.offset
        if event.body is None:
            self._stored.pop(name, None)
        elif isinstance(record := event.body.root, RuleRecord):
            self._stored[name] = read_rule(name, record.rule_version, record.document, self._definitions)
        if self._listeners is not None:
            self._compose()

    def listen(self, *listeners: Callable[[Rulebook], None]) -> None:
        """Tell other rules to these functions from now on."""
        self._listeners = [*(self._listeners or ()), *listeners]

    def settle(self) -> Rulebook:
        """Return the rules when the topic was read to its end; only from then on others are composed."""
        self._listeners = []
        self._compose()
        return self.rulebook

    def _compose(self) -> None:
        before, after = self._composition, composed(self._of_file, self._stored)
        self._composition = after
        for one in after.unusable:
            if one not in before.unusable:
                _log.error(
                    "a rule of the directory cannot be used", extra={"rule": one.rule, "version": one.version, "problem": one.problem}
                )
        if before.rulebook.known == after.rulebook.known:
            return
        _log.info("other rules are in force", extra={"rules": [f"{rule.id}@{rule.version}" for rule in after.rulebook.rules]})
        for listener in self._listeners or ():
            listener(after.rulebook)

    def _in_force(self, _: CallbackOptions) -> Iterable[Observation]:
        yield Observation(len(self.rulebook.rules))

    def _unusable(self, _: CallbackOptions) -> Iterable[Observation]:
        return [Observation(1, {"spikewatch.rule": one.rule}) for one in self._composition.unusable]

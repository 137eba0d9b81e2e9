"""Rules, questions and answers of back-tests as protobuf messages and back; for the service and for its clients."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp

from spikewatch.alerts.domain.backtest.histories import Labelled
from spikewatch.alerts.domain.backtest.question import Answer, Question, TestedArea
from spikewatch.alerts.domain.backtest.verdict import Alarm, Caught, Verdict
from spikewatch.alerts.domain.episodes import Episode
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rulebook import Rulebook
from spikewatch.api.alerts.v1 import rule_service_pb2 as calls

__all__ = ["answer_from", "answer_message", "question_from", "question_message", "rulebook_from", "rules_message"]


def rules_message(rulebook: Rulebook) -> calls.ListRulesResponse:
    """Return the message of all rules."""
    return calls.ListRulesResponse(rules=[_rule_message(rule) for rule in rulebook.known])


def rulebook_from(message: calls.ListRulesResponse) -> Rulebook:
    """Return the rules that a service sent.

    Raises:
        ValueError: one of them is of a kind, or has a field, that this version does not know.
    """
    return Rulebook(tuple(Rule.model_validate_json(one.document) for one in message.rules))


def question_from(message: calls.TestRulesRequest) -> Question:
    """Return what a caller asks."""
    return Question(
        rules=message.rules_yaml,
        rule_ids=tuple(message.rule_ids),
        areas=tuple(message.areas),
        area_kind=message.area_kind,
        start=message.start.ToMicroseconds() if message.HasField("start") else None,
        end=message.end.ToMicroseconds() if message.HasField("end") else None,
        labelled=tuple(
            Labelled(one.name, one.area, one.start.ToMicroseconds(), one.end.ToMicroseconds()) for one in message.labelled_spikes
        ),
        draws=message.draws if message.HasField("draws") else None,
    )


def question_message(question: Question) -> calls.TestRulesRequest:
    """Return the message of a question; for clients."""
    return calls.TestRulesRequest(
        rules_yaml=question.rules,
        rule_ids=question.rule_ids,
        areas=question.areas,
        area_kind=question.area_kind,
        start=None if question.start is None else _time(question.start),
        end=None if question.end is None else _time(question.end),
        labelled_spikes=[
            calls.LabelledSpike(name=one.name, area=one.area, start=_time(one.start), end=_time(one.end)) for one in question.labelled
        ],
        draws=question.draws,
    )


def answer_message(answer: Answer) -> calls.TestRulesResponse:
    """Return the message of an answer."""
    return calls.TestRulesResponse(
        start=_time(answer.start),
        end=_time(answer.end),
        areas=[
            calls.AreaHistory(
                area=one.area,
                overdoses=one.overdoses,
                first_day=_time(one.first_day),
                daily_counts=one.daily.tolist() if one.overdoses else (),
            )
            for one in answer.areas
        ],
        verdicts=[_verdict_message(one) for one in answer.verdicts],
    )


def answer_from(message: calls.TestRulesResponse, rules: Iterable[Rule]) -> Answer:
    """Return the answer that a service sent to a question about some rules; for clients.

    Raises:
        KeyError: it tells of a rule that was not asked about.
    """
    by_id: Mapping[str, Rule] = {rule.id: rule for rule in rules}
    return Answer(
        message.start.ToMicroseconds(),
        message.end.ToMicroseconds(),
        tuple(
            TestedArea(one.area, one.overdoses, one.first_day.ToMicroseconds(), np.array(one.daily_counts, dtype=np.int64))
            for one in message.areas
        ),
        tuple(_verdict(one, by_id[one.rule_id]) for one in message.verdicts),
    )


def _time(at: int) -> Timestamp:
    moment = Timestamp()
    moment.FromMicroseconds(at)
    return moment


def _rule_message(rule: Rule) -> calls.Rule:
    return calls.Rule(
        rule_id=rule.id,
        version=rule.version,
        enabled=rule.enabled,
        description=rule.description,
        kind=rule.kind,
        window_hours=rule.window_hours,
        area_kinds=rule.area_kinds,
        areas=rule.areas,
        document=rule.model_dump_json(),
    )


def _verdict_message(verdict: Verdict) -> calls.Verdict:
    return calls.Verdict(
        rule_id=verdict.rule.id,
        version=verdict.rule.version,
        area=verdict.area,
        overdoses=verdict.overdoses,
        years=verdict.years,
        judged_years=verdict.judged_years,
        alarms_per_year=verdict.alarms_per_year or 0.0,
        alarms=[
            calls.Alarm(
                opened_at=_time(one.episode.opened_at),
                last_met_at=_time(one.episode.last_met_at),
                peak_at=_time(one.episode.peak_at),
                observed=one.episode.observed,
                expected=one.expected,
                threshold=one.threshold,
                probability=one.probability,
                told_at=None if one.told_at is None else _time(one.told_at),
                places=one.places,
            )
            for one in verdict.alarms
        ],
        spikes=[
            calls.CaughtSpike(
                name=one.labelled.name,
                days_to_detection=one.days,
                was_open=one.was_open,
                start=_time(one.labelled.start),
                end=_time(one.labelled.end),
                area=one.labelled.area,
            )
            for one in verdict.caught
        ],
        hits=verdict.hits,
        days_to_detection=verdict.days_to_detection,
    )


def _verdict(message: calls.Verdict, rule: Rule) -> Verdict:
    judged = message.judged_years if message.HasField("judged_years") else message.years
    return Verdict(rule, message.area, message.overdoses, message.years, judged, _alarms(message.alarms), _caught(message))


def _alarms(messages: Sequence[calls.Alarm]) -> tuple[Alarm, ...]:
    return tuple(
        Alarm(
            Episode(one.opened_at.ToMicroseconds(), one.last_met_at.ToMicroseconds(), one.peak_at.ToMicroseconds(), one.observed),
            one.expected if one.HasField("expected") else None,
            one.threshold if one.HasField("threshold") else None,
            one.probability if one.HasField("probability") else None,
            told_at=one.told_at.ToMicroseconds() if one.HasField("told_at") else None,
            places=tuple(one.places),
        )
        for one in messages
    )


def _caught(message: calls.Verdict) -> tuple[Caught, ...]:
    return tuple(
        Caught(
            Labelled(one.name, one.area or message.area, one.start.ToMicroseconds(), one.end.ToMicroseconds()),
            one.days_to_detection if one.HasField("days_to_detection") else None,
            one.was_open,
        )
        for one in message.spikes
    )

"""What an alert says to a person: one paragraph that can be read aloud."""

from spikewatch.alerts.domain.episodes import Episode
from spikewatch.alerts.domain.instants import DAY, moment
from spikewatch.alerts.domain.known_definitions import in_words
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rules.criterion import Correction, Finding, Together
from spikewatch.alerts.domain.vicinities import place_named

__all__ = ["against", "counted", "paragraph", "recurring"]

_ODDS_FROM = 0.05  # above it "one in so many" is no rare thing, and the chance is told as it is
_SMALL = 0.1  # below it one digit behind the point says nothing
_MOST_FEEDS = 3  # named in the sentence; the alert lists all
_RARER_THAN = 1e-9  # one in a thousand million: the model is surely more wrong than that


def paragraph(area: str, rule: Rule, episode: Episode, finding: Finding) -> str:
    """Return how many there were and where, what was to be expected, what chance would do, and what the rule asks for."""
    end = f"{moment(episode.peak_at):%Y-%m-%d %H:%M} UTC"
    said = [f"{counted(rule, episode.observed)} in {place_named(area, rule.vicinities)} in {_span(rule, episode)} to {end}."]
    if finding.expected is not None:
        said.append(against(episode.observed, finding.expected, finding.expected_by))
    if finding.together is not None:
        said.append(_together(finding.together))
    if finding.probability is not None:
        said.append(_chance(finding.probability, finding.together))
    if finding.correction is not None:
        said.append(_corrected(finding.correction))
    recurrence = rule.recurrence_of(finding.recurrence_days)
    if rule.tells_recurrence and recurrence is not None:
        said.append(recurring(rule, recurrence))
    tier = rule.tier_of(episode.observed, finding.probability, recurrence)
    reached = f" The tier {tier} is reached." if tier else ""
    said.append(f"Rule {rule.id} (version {rule.version}) asks for {finding.demand}.{reached}")
    return " ".join(said)


def _span(rule: Rule, episode: Episode) -> str:
    start = rule.start_of(episode.peak_at)
    if episode.peak_at - start != rule.window:
        return f"the time from {moment(start):%Y-%m-%d %H:%M}"
    days = rule.window / DAY
    return f"the {days:g} days" if days > 1 and days.is_integer() else f"the {rule.window_hours:g} h"


def counted(rule: Rule, observed: int) -> str:
    """Return how many overdoses of which kind there were."""
    which = "" if rule.outcome == "any" else f"{rule.outcome} "
    drugs = f" with {', '.join(rule.drug_classes)}" if rule.drug_classes else ""
    meets = f" that meet{'s' if observed == 1 else ''} {' or '.join(map(in_words, rule.case_definitions))}" if rule.case_definitions else ""
    sources = f", reported by {', '.join(rule.sources)}," if rule.sources else ""
    return f"{observed} suspected {which}overdose{'' if observed == 1 else 's'}{drugs}{meets}{sources}"


def against(observed: int, expected: float, by: str = "") -> str:
    """Return the sentence that holds the count against what would be expected, and by what."""
    ratio = observed / expected if expected >= _SMALL else 0.0
    times = f", so it is {ratio:.1f} times as many" if ratio >= 1 else ""
    return f"About {_few(expected)} would be expected{f' by {by}' if by else ''}{times}."


def recurring(rule: Rule, days: float) -> str:
    """Return the sentence that says how rarely chance alone brings as much in all areas that share false alarms."""
    where = f"In {rule.areas_together:,} areas together" if rule.areas_together > 1 else "In one such area"
    return f"{where} chance alone brings something so unusual about once in {_round(days):,} days."


def _together(told: Together) -> str:
    """Return the sentence that says what the steps before hold with the last one."""
    before = f"the {told.step} before it" if told.steps == 2 else f"the {told.steps - 1} {told.step}s before it"
    return f"With {before} that makes {told.observed} in {told.steps} {told.step}s, where {_few(told.expected)} would be expected."


def _chance(probability: float, together: Together | None) -> str:
    many, spans = ("so many", "such windows") if together is None else ("so many together", f"such {together.step}s")
    if probability < _RARER_THAN:
        return f"Chance alone hardly ever brings {many}."
    if probability < _ODDS_FROM:
        return f"Chance alone brings {many} in about one of {_round(1 / probability):,} {spans}."
    return f"Chance alone brings {many} with a probability of {probability:.2g}."


def _few(expected: float) -> str:
    return f"{expected:.1f}" if expected >= _SMALL else f"{expected:.2g}"


def _corrected(correction: Correction) -> str:
    """Return the sentence that says how much is reported, what the count will come to, and which feeds are missing."""
    said = (
        f"About {correction.share * 100:.0f} % of its overdoses are usually reported by now, which is accounted for; "
        f"when all are, it will be about {correction.expected:.0f} ({correction.low:.0f} to {correction.high:.0f} with a chance of 90 %)"
    )
    if not correction.silent:
        return f"{said}."
    named = ", ".join(correction.silent[:_MOST_FEEDS])
    more = f" and {len(correction.silent) - _MOST_FEEDS} more" if len(correction.silent) > _MOST_FEEDS else ""
    return f"{said}; what {named}{more} would tell counts as not reported, as nothing comes from there."


def _round(value: float) -> int:
    """Return a number to two digits: more would pretend to be known."""
    return int(float(f"{value:.2g}"))

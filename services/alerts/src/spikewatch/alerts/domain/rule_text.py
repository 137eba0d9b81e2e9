"""A rule in words, so that a person can read what it asks before it is switched on."""

from spikewatch.alerts.domain.known_definitions import in_words as definition_in_words
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.tier import Tier

__all__ = ["in_words"]


def in_words(rule: Rule) -> list[str]:
    """Return the rule as sentences: what it counts and where, when it is met, what follows."""
    state = "" if rule.enabled else " It is not enabled: it raises nothing."
    sentences = [
        f"{rule.description}{state}",
        _looks(rule),
        f"It is met when {rule.criterion.asks()}"
        + (f", and the window holds at least {rule.minimum_count}." if rule.minimum_count > 1 else "."),
        f"One alert lasts until {_quiet(rule)} for {rule.quiet_hours:g} h of event time; then it is armed again.",
    ]
    if rule.is_corrected:
        sentences.append("The newest days are judged by the part of them that is reported, as the delays of the feeds have taught.")
    if rule.false_discovery_rate is not None:
        sentences.append(_discoveries(rule, rule.false_discovery_rate))
    if rule.level_shares:
        sentences.append(_shares(rule))
    if rule.tiers:
        sentences.append("Tiers: " + "; ".join(_tier(tier) for tier in rule.tiers) + ".")
    if rule.areas_together > 1 and rule.tells_recurrence:
        sentences.append(f"How rare something is by chance is told for {rule.areas_together:,} areas together.")
    told = ", ".join(rule.tells) if rule.tells else "every contact of the area"
    sentences.append(f"Audience: {', '.join(word.replace('_', ' ') for word in rule.audience)}. Told: {told}.")
    if rule.source:
        sentences.append(f"Source: {rule.source}")
    return sentences


def _looks(rule: Rule) -> str:
    if rule.is_scheduled:
        days = rule.window_hours / 24
        where = f"by day and map cell (H3) in {_places(rule)}"
        return f"On a schedule it looks at {_counted(rule)} {where}, for clusters of up to {days:g} days."
    return f"It counts {_counted(rule)} in {_places(rule)}, in the {rule.window_hours:g} h up to each of them."


def _discoveries(rule: Rule, rate: float) -> str:
    share = f"Of its alarms at most {rate:.0%} are false on average"
    if rule.is_scheduled:
        return f"{share}: those of one look in all areas are accepted together (Benjamini and Hochberg)."
    most = f"{rate / rule.areas_together:.2g}"
    return f"{share} in each step: an area's own chance must be at most {most}, the rate over {rule.areas_together:,} areas."


def _shares(rule: Rule) -> str:
    parameter, whole = rule.budget or ("", 0.0)
    parts = ", ".join(f"{parameter} {whole * share:.3g} in each {kind}" for kind, share in rule.level_shares.items())
    return f"A place lies in one area of each kind, so they share its false alarms ({parameter} {whole:.3g}): {parts}."


def _quiet(rule: Rule) -> str:
    return "no overdose joined its cluster" if rule.is_scheduled else "the rule was not met"


def _counted(rule: Rule) -> str:
    outcome = "" if rule.outcome == "any" else f"{rule.outcome} "
    drugs = f" with {' or '.join(rule.drug_classes)}" if rule.drug_classes else ""
    sources = f" reported by {' or '.join(rule.sources)}" if rule.sources else ""
    meeting = f" that meet {' or '.join(map(definition_in_words, rule.case_definitions))}" if rule.case_definitions else ""
    return f"suspected {outcome}overdoses{drugs}{meeting}{sources}"


def _places(rule: Rule) -> str:
    places = [f"every {kind}" for kind in rule.area_kinds]
    if rule.within:
        places = [f"{' and '.join(places)} of {' and '.join(rule.within)}"]
    together = [f"{area} with {' and '.join(others)} as one" for area, others in rule.neighbours.items()]
    return ", ".join([*places, *rule.areas, *together])


def _tier(tier: Tier) -> str:
    bounds = []
    if tier.at_least is not None:
        bounds.append(f"from {tier.at_least} overdoses on")
    if tier.probability_below is not None:
        bounds.append(f"below a chance of {tier.probability_below:g}")
    if tier.recurrence_days_above is not None:
        bounds.append(f"rarer by chance than once in {tier.recurrence_days_above:g} days")
    told = f", for {', '.join(word.replace('_', ' ') for word in tier.audience)}" if tier.audience else ""
    return f"{tier.name} {' and '.join(bounds)}{told}"

"""Names of substances that agencies write, and the class of each. A name that is not listed is not carried on."""

from typing import Final

from spikewatch.contracts.report import Drug
from spikewatch.contracts.vocabulary import DrugClass

__all__ = ["NOT_RECOGNISED", "substance"]

NOT_RECOGNISED: Final = "not_recognised"

_TERMS: Final[dict[DrugClass, tuple[str, ...]]] = {
    DrugClass.HEROIN: ("heroin",),
    DrugClass.FENTANYL: ("fentanyl", "carfentanil", "acetylfentanyl", "fentanyl analog", "fentanyl analogue"),
    DrugClass.OPIOID: (
        "opioid", "opioids", "opiate", "opium", "morphine", "codeine", "oxycodone", "oxycontin", "percocet", "hydrocodone", "vicodin",
        "hydromorphone", "dilaudid", "oxymorphone", "opana", "methadone", "tramadol", "buprenorphine", "suboxone", "kratom", "nitazene",
        "isotonitazene", "pharmaceutical opioid",
    ),
    DrugClass.COCAINE: ("cocaine", "crack", "cocaine/crack", "crack cocaine"),
    DrugClass.METHAMPHETAMINE: ("methamphetamine", "meth", "crystal meth"),
    DrugClass.STIMULANT: ("stimulant", "amphetamine", "adderall", "methylphenidate", "mdma", "ecstasy", "bath salts", "cathinone"),
    DrugClass.BENZODIAZEPINE: (
        "benzodiazepine", "benzodiazepines", "alprazolam", "xanax", "diazepam", "valium", "lorazepam", "ativan", "clonazepam", "klonopin",
        "bromazolam",
    ),
    DrugClass.ALCOHOL: ("alcohol", "ethanol"),
    DrugClass.OTHER: (
        "other", "xylazine", "medetomidine", "gabapentin", "ketamine", "pcp", "lsd", "ghb", "marijuana", "cannabis", "synthetic marijuana",
        "synthetic cannabinoid", "barbiturate", "barbiturates", "pharmaceutical other",
    ),
    DrugClass.UNKNOWN: ("unknown", "unknown drug"),
}  # fmt: skip
_BY_TERM: Final = {term: Drug(term=term, drug_class=kind) for kind, terms in _TERMS.items() for term in terms}
_UNLISTED: Final = Drug(term="other", drug_class=DrugClass.OTHER)


def substance(text: str) -> tuple[Drug, bool]:
    """Return the substance, and whether its name is listed; one that is not becomes ``other``.

    An unlisted name is dropped because a free text may hold anything, a person's name too.
    """
    drug = _BY_TERM.get(" ".join(text.lower().split()))
    return (_UNLISTED, False) if drug is None else (drug, True)

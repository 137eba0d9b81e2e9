"""Adapters of R ``surveillance`` and epysurv: their arguments in our words, and our answers in their columns."""

from spikewatch_testing.detection_cases.case import Case

__all__ = ["check", "handles"]


def handles(case: Case) -> bool:
    """Whether a case is of a peer that this module knows."""
    return case.package in {"surveillance", "epysurv"}


def check(case: Case) -> None:
    """Assert that we give what the peer gave."""
    raise AssertionError(case.name)

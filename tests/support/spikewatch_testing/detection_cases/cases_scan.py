"""Adapters of the peers of scan."""

from spikewatch_testing.detection_cases.case import Case

__all__ = ["check", "handles"]


def handles(case: Case) -> bool:
    """Whether a case is of a peer that this module knows."""
    return False


def check(case: Case) -> None:
    """Assert that we give what the peer gave."""
    raise AssertionError(case.name)

"""A small run of the fuzz harness over every format; make fuzz runs the large one."""

import pytest
from spikewatch_testing.fuzzing.campaign import campaign, one_input

from spikewatch.ingest.domain.feeds import FEEDS

INPUTS = 2_000
SEED = 20261


@pytest.mark.parametrize("name", FEEDS)
def test_no_input_crashes_hangs_leaks_or_is_lost(name: str) -> None:
    tally = campaign(name, INPUTS, SEED)
    assert not tally.crashes
    assert tally.inputs >= INPUTS * 0.96, "hypothesis may find fewer inputs than it was asked for, when it has tried all"
    assert tally.results["rejected"], "broken records are refused"
    assert tally.results["report"] + tally.results["not_an_overdose"], "some of the records stay sound"
    assert tally.refused_whole


def test_an_input_is_found_again_by_its_number() -> None:
    name = next(iter(FEEDS))
    assert one_input(name, SEED, 17) == one_input(name, SEED, 17)
    assert one_input(name, SEED, 17) != one_input(name, SEED, 18)

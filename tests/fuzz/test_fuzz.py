"""A small run of the fuzz harness over every format, the same inputs each time; make fuzz runs the large one."""

import pytest
from spikewatch_testing.exploring import examples
from spikewatch_testing.fuzzing.campaign import campaign, one_input
from spikewatch_testing.fuzzing.forms import FORM_CHANGES

from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.form import FORM

INPUTS = examples(400)  # of each format: seconds; the large run has a hundred thousand
FORMS = 600
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


def test_forms_are_among_the_inputs_and_everything_that_is_done_to_them() -> None:
    made = [one_input("statutory", SEED, number) for number in range(FORMS)]
    forms = [done for media_type, _, done in made if media_type == FORM]
    assert len(forms) > FORMS // 4
    assert {change.__name__ for change in FORM_CHANGES} <= {step for done in forms for step in done.split("+")}

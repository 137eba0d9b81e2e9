"""Runs many inputs of one format: mutations of its seeds, and inputs that hypothesis makes of nothing."""

import contextlib
from collections.abc import Callable
from random import Random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch_testing.fuzzing.checks import Failed, Tally, judge
from spikewatch_testing.fuzzing.mutations import mutated
from spikewatch_testing.fuzzing.planted import VALUES
from spikewatch_testing.fuzzing.seeds import Seed, seeds

__all__ = ["campaign", "one_input"]

_MADE_OF_NOTHING = 0.05  # the share of inputs that hypothesis makes
_MOST_MADE = 2_000
_MOST_CRASHES = 20

_TEXT = st.text(max_size=200) | st.sampled_from(VALUES)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=5),
    max_leaves=12,
)


def one_input(name: str, seed: int, number: int) -> tuple[str, bytes, str]:
    """Return media type and bytes of one input, and how it was made."""
    random = Random(f"{seed}/{name}/{number}")
    found = seeds(name) or (Seed(next(iter(FEEDS[name].splits)), b""),)
    small = [one for one in found if one.is_small] or found
    chosen = random.choice(small if random.random() < 0.97 else found)
    body, done = mutated(chosen, random.choice(small), random)
    # Now and then what is one format comes under the name of another.
    media_type = random.choice(list(FEEDS[name].splits)) if random.random() < 0.02 else chosen.media_type
    return media_type, body, done


def campaign(name: str, inputs: int, seed: int, *, first: int = 0, progress: Callable[[int], None] | None = None) -> Tally:
    """Judge so many inputs of a format; crashes are noted, not raised."""
    tally = Tally()
    made = min(int(inputs * _MADE_OF_NOTHING), _MOST_MADE)
    for number in range(first, first + inputs - made):
        media_type, body, done = one_input(name, seed, number)
        try:
            judge(name, media_type, body, tally, with_replay=number % 4 == 0)
        except Failed as failed:
            tally.crashes.append(f"{name} input {number}: {failed} ({done[:300]})")
            if len(tally.crashes) >= _MOST_CRASHES:
                break
        if progress is not None:
            progress(number - first)
    if made and len(tally.crashes) < _MOST_CRASHES:
        _of_nothing(name, made, seed + first, tally)
    return tally


def _of_nothing(name: str, inputs: int, seed: int, tally: Tally) -> None:
    kinds = list(FEEDS[name].splits)
    starts = [one.body[:400] for one in seeds(name)[:50]] or [b""]
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much, HealthCheck.large_base_example]

    @seeded(seed)
    @settings(max_examples=inputs, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=quiet)
    @given(kind=st.sampled_from(kinds), start=st.sampled_from(starts), value=_JSON, raw=st.binary(max_size=300), form=st.integers(0, 3))
    def run(kind: str, start: bytes, value: object, raw: bytes, form: int) -> None:
        import json  # here, beside its one use

        body = raw if form == 0 else start + raw if form == 1 else json.dumps(value).encode()
        judge(name, kind, body, tally, with_replay=False)

    try:
        run()
    except Failed as failed:
        tally.crashes.append(f"{name} made by hypothesis: {failed}")
    except BaseExceptionGroup as group:
        with contextlib.suppress(IndexError):
            tally.crashes.append(f"{name} made by hypothesis: {group.exceptions[0]}")

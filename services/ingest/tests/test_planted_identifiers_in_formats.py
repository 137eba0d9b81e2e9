"""No identifier, put in the place of any value of any example of any format, comes out in a report, an error or a receipt."""

from collections.abc import Iterator

import pytest
from spikewatch_testing.fuzzing.planted import BIRTHDAY, MAIL, MRN, NAME, PHONE, VALUES, leaks, places, report_leaks
from spikewatch_testing.fuzzing.seeds import Seed, examples, seeds, source_of

from spikewatch.ingest.domain.classification import Classifier, interpret
from spikewatch.ingest.domain.feeds import FEEDS
from spikewatch.ingest.domain.receipt import RecordOutcome
from spikewatch.ingest.domain.rejection import Rejected
from spikewatch.ingest.terminology import FILE_KEY, classifier

_PLACES_OF_A_SEED = 150  # of the same kind of record; a large record has each of its values planted once all the same
_SEEDS = 10


@pytest.fixture(scope="module")
def definitions() -> Classifier:
    return classifier(FILE_KEY)


def found_in(name: str, media_type: str, body: bytes, value: str, definitions: Classifier) -> Iterator[str]:
    """Read an input as ingest does and yield every leak in what comes of it."""
    feed = FEEDS[name]
    source = source_of(feed)
    try:
        for record in feed.records(body, media_type, limit=10_000):
            try:
                if record.rejected is not None:
                    raise record.rejected
                reading = None if record.is_skipped else interpret(feed, record.fields, source, definitions)
            except Rejected as rejected:
                # What an agency reads in its receipt, and what stands in the headers of the dead letter.
                yield from leaks(repr(RecordOutcome.refused(record.index, rejected, "topic")) + str(rejected))
            else:
                if reading is not None and reading.report is not None:
                    yield from report_leaks(reading.report.model_dump(mode="json"), value=value)
    except Rejected as rejected:
        yield from leaks(repr(RecordOutcome.refused(-1, rejected, "topic")) + str(rejected))


def chosen(name: str) -> list[Seed]:
    """Return the records of the examples alone, as unlike each other as their number allows."""
    found = seeds(name, with_samples=False)
    small = [one for one in found if one.is_small] or list(found)
    workbooks = [one for one in found if "spreadsheetml" in one.media_type]
    step = max(1, len(small) // _SEEDS)
    return [*small[::step][: _SEEDS + 1], *workbooks[:1]]


@pytest.mark.parametrize("name", FEEDS)
def test_nothing_planted_in_any_value_comes_out(name: str, definitions: Classifier) -> None:
    leaked: dict[str, str] = {}
    planted = 0
    for number, seed in enumerate(chosen(name)):
        found = list(places(seed.body, seed.media_type))
        step = max(1, len(found) // _PLACES_OF_A_SEED)
        for at, (where, plant) in enumerate(found[number % step :: step]):
            # Every value at every place would take minutes: each place gets two, and its neighbours the others.
            for value in {(NAME, VALUES[-1])[at % 2], VALUES[(at // 2 + number) % len(VALUES)]}:
                planted += 1
                for leak in found_in(name, seed.media_type, plant(value), value, definitions):
                    leaked.setdefault(f"{where}: {value[:30]}", leak)
    assert planted > 60, "the format has examples to plant identifiers in"
    assert not leaked


def test_the_search_finds_what_is_planted() -> None:
    # Otherwise the test above could not fail.
    for value in VALUES:
        assert leaks(f"before {value.upper()} after"), value
    assert report_leaks({"incident_number": NAME}) == ["quillfeather"]
    assert report_leaks({"location": {"address": f"1 Main St {PHONE}"}}, value=PHONE)
    assert report_leaks({"location": {"address": f"1 Main St {MAIL}"}}, value=MAIL)
    assert report_leaks({"location": {"city": MRN}}, value=MRN)
    assert not report_leaks({"location": {"city": NAME}}, value=NAME), "the one limit that is documented: a bare name in a place"
    assert report_leaks({"location": {"tract": BIRTHDAY}})


def test_every_format_has_examples_in_which_to_plant() -> None:
    assert not [name for name in FEEDS if not list(examples(name))]

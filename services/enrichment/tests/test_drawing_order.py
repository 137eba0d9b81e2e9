import random

from spikewatch.enrichment.adapters.geodata.drawing_order import in_drawing_order
from spikewatch.enrichment.domain.geocoding.records import StreetSegment


def block(street: str, number: int, *, north: float, is_backward: bool = False) -> StreetSegment:
    line = ((-44.0 - number / 1e6, north), (-44.0 - (number + 100) / 1e6, north))
    return StreetSegment(street, line[::-1] if is_backward else line, number + 1, number + 99, number, number + 98)


def town(seed: int) -> list[tuple[StreetSegment, bool]]:
    rng = random.Random(seed)
    streets = [("Elm St", 30.1), ("Oak St", 30.2), ("Ash St", 30.3)]
    return [
        (block(name, number, north=north, is_backward=is_backward), is_backward)
        for name, north in streets
        for number in range(100, 1300, 100)
        for is_backward in [rng.random() < 0.5]
    ]


def test_blocks_drawn_against_their_numbers_are_turned_round() -> None:
    for seed in range(20):
        made = town(seed)
        found = list(in_drawing_order(segment for segment, _ in made))
        assert [is_turned for _, is_turned in found] == [is_backward for _, is_backward in made]
        for segment, _ in found:
            west, east = sorted((segment.line[0][0], segment.line[-1][0]))
            first = segment.left_from if segment.line[0][0] == east else segment.left_to
            assert first == min(segment.left_from, segment.left_to), (west, east)


def test_a_file_with_one_range_that_falls_is_in_drawing_order_already() -> None:
    made = [segment for segment, _ in town(1)]
    made[0] = made[0]._replace(left_from=199, left_to=101, right_from=198, right_to=100)
    assert [segment for segment, _ in in_drawing_order(made)] == made


def test_few_blocks_and_those_without_neighbours_or_numbers_stay() -> None:
    lonely = [block(f"{number} St", 100, north=number / 10, is_backward=True) for number in range(30)]
    bare = [one._replace(left_from=0, left_to=0, right_from=0, right_to=0) for one in lonely]
    few = [segment for segment, _ in town(2)][:10]
    for made in (lonely, bare, few):
        assert not any(is_turned for _, is_turned in in_drawing_order(made))


def test_a_street_that_begins_twice_at_one_corner_stays() -> None:
    east = [block("Main St", number, north=30.1) for number in range(100, 1300, 100)]
    west = [one._replace(line=tuple((-88.0002 - lon, lat) for lon, lat in one.line)) for one in east]
    assert east[0].line[0] == west[0].line[0]
    assert not any(is_turned for _, is_turned in in_drawing_order(east + west))

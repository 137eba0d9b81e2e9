"""Names one or two slips away are found through a few dozen look-ups, as surely as by comparing with every name."""

from hypothesis import given
from hypothesis import strategies as st

from spikewatch.enrichment.domain.geocoding.spelling import Spelling, slips, spelling_arrays

NAMES = [
    "MISSION",
    "MISSOURI",
    "VALENCIA",
    "DOLORES",
    "DOLPHIN",
    "GUERRERO",
    "CHURCH",
    "MARKET",
    "ELM",
    "OAK",
    "5TH",
    "BUENAVISTA",
    "DIVISADERO",
]
WORDS = st.text("ABCDE", min_size=1, max_size=9)


def spelling(names: list[str]) -> Spelling:
    arrays = spelling_arrays(names)
    return Spelling(arrays["spelling_hash"], arrays["spelling_name"], names)


def plain_slips(one: str, other: str) -> int:
    """Count slips the long way: the whole table, nothing left out."""
    table = {(i, 0): i for i in range(len(one) + 1)} | {(0, j): j for j in range(len(other) + 1)}
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (one[i - 1] != other[j - 1]))
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return table[len(one), len(other)]


@given(WORDS, WORDS, st.integers(0, 2))
def test_slips_are_those_of_the_whole_table(one: str, other: str, limit: int) -> None:
    assert slips(one, other, limit) == min(plain_slips(one, other), limit + 1)


def test_one_letter_missing_added_changed_or_swapped() -> None:
    found = spelling(NAMES)
    for written in ("MISION", "MISSSION", "MISSIEN", "MISSOIN", "ISSION"):
        assert found.near(written) == (1, ["MISSION"]), written
    assert found.near("DIVISDRO") == (2, ["DIVISADERO"])


def test_short_names_and_numbers_are_never_corrected() -> None:
    found = spelling(NAMES)
    assert found.near("ELK") == (0, [])
    assert found.near("6TH") == (0, [])


def test_a_name_itself_is_not_among_those_near_it() -> None:
    assert spelling(["DOLORES", "DOLORAS"]).near("DOLORES") == (1, ["DOLORAS"])


@given(st.lists(st.text("ABC", min_size=4, max_size=10), min_size=1, max_size=12, unique=True), st.text("ABC", min_size=4, max_size=10))
def test_look_ups_find_what_comparing_with_every_name_finds(names: list[str], written: str) -> None:
    def allowed(one: str, other: str) -> int:
        return 2 if len(one) > 6 and len(other) > 6 else 1

    counts = {
        name: plain_slips(written, name) for name in names if name != written and plain_slips(written, name) <= allowed(written, name)
    }
    least = min(counts.values(), default=0)
    count, found = spelling(names).near(written)
    assert (count, sorted(found)) == (least, sorted(name for name, slip in counts.items() if slip == least))

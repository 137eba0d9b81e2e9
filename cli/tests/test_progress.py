import io

import pytest

from spikewatch.cli.progress import Progress


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_when_piped_a_line_comes_now_and_then_and_one_at_the_end() -> None:
    out, seconds = io.StringIO(), Seconds()

    with Progress("replay", 4000, stream=out, seconds=seconds) as progress:
        for _ in range(4):
            progress.advance(1000)
            seconds.now += 3

    assert out.getvalue().splitlines() == [
        "replay: 3,000 of 4,000 records so far, 6.0 s",
        "replay: 4,000 of 4,000 records done, 12.0 s",
    ]


def test_a_failed_piece_of_work_is_not_called_done() -> None:
    out = io.StringIO()

    with pytest.raises(ValueError, match="broken"), Progress("replay", 2, stream=out):
        raise ValueError("broken")

    assert "done" not in out.getvalue()

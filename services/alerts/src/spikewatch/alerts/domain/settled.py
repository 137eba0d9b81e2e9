"""What was found out about an area's past: it holds until an overdose of that past comes, changes or is taken back."""

from typing import Final

from spikewatch.alerts.domain.marks import Asked

__all__ = ["Answers", "Settled"]

_KEPT: Final = 2  # steps a question: the one that runs, and the one before it, of which overdoses are still told


class Answers(dict[tuple[int, int], tuple[int, int, float]]):
    """Answers about the overdoses that a rule counts: by who asks, the step, the newest time that bears on it, and the answer."""

    __slots__ = ()

    def known(self, who: int, step: int) -> float | None:
        """Return what somebody found out about a step, None if nothing is known."""
        answer = self.get((who, step % _KEPT))
        return answer[2] if answer is not None and answer[0] == step else None

    def remember(self, who: int, step: int, until: int, found: float) -> None:
        """Keep what somebody found out about a step. Nothing later than a time bears on it."""
        self[who, step % _KEPT] = (step, until, found)


class Settled:
    """Answers about one area, by what is counted. A history hands on to the one made of it what still holds."""

    __slots__ = ("_answers",)

    def __init__(self) -> None:
        self._answers: dict[Asked, Answers] = {}

    def of(self, asks: Asked) -> Answers:
        """Return the answers about the overdoses that a rule counts, to read and to fill."""
        answers = self._answers.get(asks)
        if answers is None:
            answers = self._answers[asks] = Answers()
        return answers

    def before(self, time: int) -> "Settled":
        """Return a copy with the answers on which no overdose from a time on bears."""
        kept = Settled()
        for asks, answers in self._answers.items():
            kept._answers[asks] = Answers((key, answer) for key, answer in answers.items() if answer[1] < time)
        return kept

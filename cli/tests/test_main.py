import argparse
import sys
from types import ModuleType

import pytest

from spikewatch.cli import main as command
from spikewatch.cli.exit_status import CannotRun


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch):
    """Adds one verb that does what the test says."""

    def place(run) -> None:
        module = ModuleType("spikewatch.cli.status")

        def add(verbs) -> None:
            parser = verbs.add_parser("status")
            parser.add_argument("--count", type=int, default=0)
            parser.set_defaults(run=run)

        module.add = add  # type: ignore[attr-defined]
        module.__spec__ = sys.modules["spikewatch.cli.main"].__spec__
        monkeypatch.setitem(sys.modules, "spikewatch.cli.status", module)

    return place


def test_the_exit_status_of_a_verb_is_that_of_the_command(verb) -> None:
    verb(lambda arguments: arguments.count)

    assert command.main(["status", "--count", "1"]) == 1


def test_a_verb_that_cannot_run_ends_with_2_and_its_one_sentence(verb, capsys: pytest.CaptureFixture[str]) -> None:
    def run(_arguments: argparse.Namespace) -> int:
        raise CannotRun("no stack runs here; start one with `spikewatch up`")

    verb(run)

    assert command.main(["status"]) == 2
    assert capsys.readouterr().err == "spikewatch: no stack runs here; start one with `spikewatch up`\n"


def test_an_interrupt_ends_without_a_traceback(verb, capsys: pytest.CaptureFixture[str]) -> None:
    def run(_arguments: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    verb(run)

    assert command.main(["status"]) == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [([], "VERB"), (["no-such-verb"], "spikewatch --help"), (["status", "--count", "x"], "spikewatch status --help")],
    ids=["no-verb", "unknown-verb", "wrong-option"],
)
def test_wrong_use_ends_with_2_and_says_where_the_help_is(verb, capsys: pytest.CaptureFixture[str], arguments, told) -> None:
    verb(lambda _arguments: 0)

    with pytest.raises(SystemExit) as ended:
        command.main(arguments)

    assert ended.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("name", ["up", "down", "status", "doctor", "trace"])
def test_the_help_of_each_verb_of_the_stack_has_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main([name, "--help"])

    assert ended.value.code == 0
    assert f"Example: spikewatch {name}" in capsys.readouterr().out


def test_the_help_names_the_verb_of_every_module(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--help"])

    told = capsys.readouterr().out
    assert [name for name in command.VERB_MODULES if f"    {name.replace('_', '-')} " not in told.replace("\n", " \n")] == []

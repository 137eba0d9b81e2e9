"""Forms: what a browser or a script posts, and what is refused with what to change."""

import pytest

from spikewatch.ingest.domain import form
from spikewatch.ingest.domain.form import form_record
from spikewatch.ingest.domain.rejection import Fault, Rejected


def fields(text: str) -> dict[str, object]:
    (record,) = form_record(text, 1)
    assert record.alone() == text.encode()
    return dict(record.fields)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a=1&b=x+y%20z%2B", {"a": "1", "b": "x y z+"}),
        ("A=1&a=2&a=3", {"a": ["1", "2", "3"]}),
        ("a=Zo%C3%AB", {"a": "Zoë"}),
        ("a=Zoë", {"a": "Zoë"}),
        ("a=&b==", {"a": "", "b": "="}),
        ("&a=1&&b=2&", {"a": "1", "b": "2"}),
        ("a=100%25", {"a": "100%"}),
        ("a=1\r\n", {"a": "1"}),
    ],
)
def test_a_form_is_read(text: str, said: dict[str, object]) -> None:
    assert fields(text) == said


@pytest.mark.parametrize(
    ("text", "fault", "problem"),
    [
        ("a=100%", Fault.MALFORMED, "a % without two hexadecimal digits"),
        ("a=%zz", Fault.MALFORMED, "a % without two hexadecimal digits"),
        ("a=%4", Fault.MALFORMED, "a % without two hexadecimal digits"),
        ("a=1&private", Fault.MALFORMED, "no = in field 2"),
        ('{"a": 1}', Fault.MALFORMED, "no = in field 1"),
        ("a=1&b=Caf%E9", Fault.WRONG_ENCODING, "not UTF-8 once it is unescaped (field 2)"),
        ("%FF=1", Fault.WRONG_ENCODING, "not UTF-8 once it is unescaped (field 1)"),
        ("a=%ED%A0%80", Fault.WRONG_ENCODING, "not UTF-8 once it is unescaped (field 1)"),
        ("a=b&" * 200, Fault.MALFORMED, "too many fields"),
        ("&" * 100_000, Fault.MALFORMED, "too many fields"),
    ],
)
def test_what_is_no_form_is_told_by_place_and_never_by_value(text: str, fault: Fault, problem: str) -> None:
    with pytest.raises(Rejected) as caught:
        list(form_record(text, 1))
    assert caught.value.fault is fault
    assert problem in caught.value.problem
    assert caught.value.expected
    assert caught.value.example
    assert "private" not in str(caught.value)


def test_a_form_of_millions_of_characters_is_refused_before_it_is_unescaped(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(form, "unquote_plus", lambda text, **_: asked.append(text) or text)
    with pytest.raises(Rejected, match="at most 1,048,576 characters") as caught:
        list(form_record("a=" + "%41" * 400_000, 1))
    assert caught.value.fault is Fault.TOO_LARGE
    assert not asked
    list(form_record("a=" + "%41" * 300_000, 1))
    assert asked

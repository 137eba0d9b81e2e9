"""The declaration of the topics and the services' code say the same, in both directions: access rules rest on it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from spikewatch.contracts import topics
from spikewatch.contracts.access import services

SOURCES = Path(__file__).resolve().parents[2] / "services"


@cache
def trees(service: str) -> tuple[ast.Module, ...]:
    return tuple(ast.parse(path.read_text()) for path in sorted((SOURCES / service / "src").rglob("*.py")))


def calls(service: str, name: str) -> Iterator[ast.Call]:
    """Yield the calls of a function or class, also as ``x.name(…)`` or ``name.of(…)``."""
    for tree in trees(service):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and name in ast.unparse(node.func).split("."):
                yield node


def topic_of(call: ast.Call) -> topics.Topic | None:
    stated = next((keyword.value for keyword in call.keywords if keyword.arg == "topic"), call.args[0] if call.args else None)
    text = ast.unparse(stated) if stated is not None else ""
    return getattr(topics, text.removeprefix("topics."), None) if text.startswith("topics.") else None


def text_of(service: str, node: ast.expr) -> str:
    """Return a literal, or the literal behind a constant of the service."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    values = {
        str(statement.value.value)
        for tree in trees(service)
        for statement in tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(statement.value, ast.Constant)
        for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
        if ast.unparse(target) == ast.unparse(node).rpartition(".")[2]
    }
    (value,) = values
    return value


@pytest.mark.parametrize("service", services())
def test_a_service_consumes_exactly_what_is_declared(service):
    declared = {(topic.name, group) for topic in topics.ALL for group in topic.consumers if topics.service_of(group) == service}
    subscribed = {(topic.name, text_of(service, call.args[1])) for call in calls(service, "Subscription") if (topic := topic_of(call))}
    assert subscribed == declared


@pytest.mark.parametrize("service", services())
def test_a_service_reads_whole_exactly_what_is_declared(service):
    declared = {topic.name for topic in topics.ALL if service in topic.readers}
    assert {topic.name for call in calls(service, "read_table") if (topic := topic_of(call))} == declared


@pytest.mark.parametrize("service", services())
def test_a_service_publishes_exactly_what_is_declared(service):
    declared = {topic.name for topic in topics.ALL if service in topic.producers}
    assert {topic.name for call in calls(service, "Message") if (topic := topic_of(call))} == declared


@pytest.mark.parametrize("service", services())
def test_a_service_names_exactly_the_event_types_of_what_it_publishes(service):
    declared = {kind for topic in topics.ALL if service in topic.producers for kind in topic.event_types}
    named = {
        topics.EventType[node.attr]
        for tree in trees(service)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "EventType"
    }
    assert named == declared

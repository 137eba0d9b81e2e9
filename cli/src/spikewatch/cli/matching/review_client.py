"""Asks the enrichment service what it matched, and tells it what a person decided."""

import argparse
import os
import shlex
from collections.abc import Callable
from typing import Any, Final, TypeVar
from uuid import UUID

import httpx
from pydantic import TypeAdapter, ValidationError

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.stack import stack_file
from spikewatch.cli.stack.folder_option import add_folder_option
from spikewatch.contracts.decision import Decision
from spikewatch.enrichment.domain.incident_explanation import IncidentExplanation
from spikewatch.enrichment.review import Question

T = TypeVar("T")

__all__ = ["ReviewClient", "add_review_options", "add_where", "review_client"]

_URL: Final = "SPIKEWATCH_ENRICHMENT_URL"
_TOKEN: Final = "SPIKEWATCH_ENRICHMENT_TOKEN"  # noqa: S105  # the name of a variable
_ACCOUNT: Final = "SPIKEWATCH_ACCOUNT"
_SECONDS: Final = 30.0
_EXPLANATION: Final = TypeAdapter(IncidentExplanation)
_QUESTIONS: Final = TypeAdapter(list[Question])


def add_review_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--url`` and ``--folder``."""
    parser.add_argument("--url", metavar="URL", help=f"the enrichment service (else ${_URL}, else the stack in --folder)")
    add_folder_option(parser)


def add_where(arguments: argparse.Namespace) -> str:
    """Return the options by which another command finds the same service, with a blank before each; nothing where none was given."""
    if arguments.url:
        return f" --url {shlex.quote(arguments.url)}"
    return "" if arguments.folder == stack_file.DEFAULT_FOLDER else f" --folder {shlex.quote(str(arguments.folder))}"


def review_client(arguments: argparse.Namespace, *, account: str | None = None) -> "ReviewClient":
    """Return the way to the enrichment service.

    Raises:
        CannotRun: none is named and no stack runs.
    """
    url = arguments.url or os.environ.get(_URL) or stack_file.read(arguments.folder).enrichment_url
    if not url:
        raise CannotRun(f"no enrichment service is named: give --url URL, set {_URL}, or start a stack with `spikewatch up`")
    headers = {"Spikewatch-Account": account or os.environ.get(_ACCOUNT, "")}
    if token := os.environ.get(_TOKEN):
        headers["Authorization"] = f"Bearer {token}"
    return ReviewClient(lambda: httpx.Client(base_url=url, headers=headers, timeout=_SECONDS))


class ReviewClient:
    """One reviewer's way to the service; ``connect`` opens a client that has its address and its token."""

    def __init__(self, connect: Callable[[], httpx.Client]) -> None:
        self._connect = connect

    def explain(self, identity: UUID) -> IncidentExplanation:
        """Return why an incident is one; the id may be of one that was merged into it, or a report key of it.

        Raises:
            CannotRun: there is none, or the service does not answer.
        """
        return self._read(_EXPLANATION, self._ask("GET", f"/v1/incidents/{identity}"))

    def queue(self, days: int, limit: int) -> list[Question]:
        """Return the questions to ask first.

        Raises:
            CannotRun: the service does not answer.
        """
        return self._read(_QUESTIONS, self._ask("GET", f"/v1/queue?days={days}&limit={limit}"))

    def decision(self, identity: UUID) -> Decision:
        """Return a decision.

        Raises:
            CannotRun: there is none, or the service does not answer.
        """
        return self._read(TypeAdapter(Decision), self._ask("GET", f"/v1/decisions/{identity}"))

    def decide(self, decision: Decision) -> None:
        """Tell a decision; it is kept when this returns.

        Raises:
            CannotRun: it was refused, or the service does not answer.
        """
        self._ask("POST", "/v1/decisions", decision.to_json())

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        with self._connect() as client:
            try:
                answer = client.request(method, path, content=body)
            except httpx.HTTPError as error:
                raise CannotRun(f"the enrichment service does not answer at {client.base_url} ({type(error).__name__})") from None
        if answer.is_success:
            return answer.content
        try:
            problem: Any = answer.json()
            detail = str(problem["detail"])
        except (ValueError, KeyError, TypeError):
            detail = f"it answered {answer.status_code}; is the address that of an enrichment service?"
        raise CannotRun(detail)

    def _read(self, adapter: TypeAdapter[T], body: bytes) -> T:
        try:
            return adapter.validate_json(body)
        except ValidationError:
            raise CannotRun("the enrichment service answered in another form; use a command of its version") from None

"""``spikewatch trace``: one trace as a tree across all services."""

import argparse
import re
from dataclasses import asdict
from typing import Final

from spikewatch.cli.exit_status import DONE, CannotRun
from spikewatch.cli.stack.folder_option import add_folder_option
from spikewatch.cli.tables import add_json_option, print_json

__all__ = ["add"]

_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "trace",
        help="draw one trace as a tree across all services",
        description="Draw a trace of the local stack: service, span, offset from the first span, duration. Spans of other traces that "
        "link to it are marked as linked. Works after the stack is stopped, too.",
        epilog="Example: spikewatch trace latest",
    )
    parser.add_argument(
        "trace_id", metavar="TRACE_ID|latest", help="32 hexadecimal digits, or the newest trace that crossed the most services"
    )
    add_folder_option(parser)
    add_json_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from spikewatch.cli.stack import trace_tree  # noqa: PLC0415  # protobuf takes longer to import than --help should
    from spikewatch.cli.stack.trace_store import TraceStore  # noqa: PLC0415

    path = arguments.folder / "traces.sqlite"
    wanted = arguments.trace_id.lower()
    if wanted != "latest" and not _TRACE_ID.fullmatch(wanted):
        raise CannotRun("a trace id has 32 hexadecimal digits; take one from an alert or a receipt, or use `latest`")
    if not path.exists():
        raise CannotRun(f"{arguments.folder} holds no traces; name the folder of a stack with --folder")
    store = TraceStore(path)
    try:
        trace_id = trace_tree.newest_trace(store) if wanted == "latest" else wanted
        spans = trace_tree.find_trace(store, trace_id) if trace_id is not None else []
    finally:
        store.close()
    if trace_id is None or not spans:
        raise CannotRun("that trace is not among those kept; the oldest are dropped, and a new one takes about five seconds to arrive")
    if arguments.as_json:
        print_json({"trace_id": trace_id, "spans": [{**asdict(span), "started_at": span.started_at.isoformat()} for span in spans]})
        return DONE
    roots = trace_tree.tree(spans, trace_id)
    services = sorted({span.service for span in spans})
    print(f"trace {trace_id}: {len(spans)} spans in {', '.join(services)}")
    for line in trace_tree.draw(roots):
        print(line)
    return DONE

"""``spikewatch topics``: what is declared, what the cluster lacks, and every document that derives from the declaration."""

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Coroutine, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from spikewatch.cli.exit_status import DONE, CannotRun
from spikewatch.cli.kafka_options import add_kafka_options, kafka_connection
from spikewatch.cli.tables import add_json_option, print_json, print_table

if TYPE_CHECKING:
    from spikewatch.chassis.kafka.topics_admin import TopicChange

__all__ = ["add"]

# `plan` ends with this when the cluster is not as declared, so that a script can ask.
_DIFFERS: Final = 1
_IDENTITY: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,51}[a-z0-9])?")  # with its prefix a DNS label, as Kubernetes asks


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb with its subcommands."""
    parser = verbs.add_parser(
        "topics",
        help="list, plan and create the topics; print what derives from them",
        description="Everything here follows from one declaration of the topics.",
        epilog="Example: spikewatch topics ls",
    )
    parts = parser.add_subparsers(title="subcommands", metavar="SUBCOMMAND", required=True)

    ls = parts.add_parser("ls", help="list the declared topics", epilog="Example: spikewatch topics ls --json")
    ls.set_defaults(run=_ls)
    acls = parts.add_parser(
        "acls",
        help="list what each Kafka user may do; everything else is denied",
        epilog="Example: spikewatch topics acls --agency cedar-county-ems",
    )
    acls.set_defaults(run=_acls)
    for verb, run, words in (
        ("plan", _plan, "tell what `apply` would do; exit status 1 when something differs"),
        ("apply", _apply, "create missing topics and set settings that differ; safe to repeat"),
    ):
        part = parts.add_parser(verb, help=words, epilog=f"Example: spikewatch topics {verb} --bootstrap 127.0.0.1:9092")
        part.set_defaults(run=run)
        add_kafka_options(part)
        add_json_option(part)
        if verb == "apply":
            part.add_argument("--replication", type=int, default=1, metavar="N", help="copies of a new topic (default 1; 3 in production)")
    for verb, run, words in (
        ("asyncapi", _asyncapi, "print the AsyncAPI 3 document (JSON)"),
        ("docs", _docs, "print the page of the topics (Markdown)"),
        ("strimzi", _strimzi, "print KafkaTopic and KafkaUser resources (YAML)"),
    ):
        part = parts.add_parser(verb, help=words, epilog=f"Example: spikewatch topics {verb} -o {verb}.txt")
        part.add_argument("-o", "--output", type=Path, metavar="FILE", help="write there instead of standard output")
        part.set_defaults(run=run)
        if verb == "strimzi":
            _add_identities(part)
    _add_identities(acls)
    for part in (ls, acls):
        add_json_option(part)


def _add_identities(parser: argparse.ArgumentParser) -> None:
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--agency", metavar="ID", type=_identity, help="only the Kafka user of this agency")
    chosen.add_argument("--subscriber", metavar="ID", type=_identity, help="only the Kafka user of this downstream subscriber")


def _identity(text: str) -> str:
    """Check an id before it becomes a Kafka user: another shape would be refused late, or grant to a name nobody meant."""
    if not _IDENTITY.fullmatch(text):
        raise argparse.ArgumentTypeError("an id has lower-case letters, digits and inner hyphens, for example cedar-county-ems")
    return text


def _ls(arguments: argparse.Namespace) -> int:
    from spikewatch.contracts.topics import every_topic  # noqa: PLC0415  # loads every model; --help should not wait

    if arguments.as_json:
        print_json([{**topic.model_dump(mode="json"), "configuration": topic.configuration} for topic in every_topic()])
        return DONE
    print_table(
        [
            {
                "topic": topic.name,
                "owner": topic.owner,
                "written by": ", ".join(topic.producers),
                "read by": ", ".join((*topic.consumers, *topic.readers)),
                "partitions": topic.partitions,
                "kept": "newest of each key" if topic.cleanup == "compact" else f"{topic.retention_days} days",
            }
            for topic in every_topic()
        ]
    )
    return DONE


def _acls(arguments: argparse.Namespace) -> int:
    from spikewatch.contracts import access  # noqa: PLC0415  # loads every model; --help should not wait

    if arguments.agency:
        grants: Sequence[access.Grant] = access.agency_grants(arguments.agency)
    elif arguments.subscriber:
        grants = access.subscriber_grants(arguments.subscriber)
    else:
        grants = [grant for service in access.services() for grant in access.service_grants(service)] + list(access.operator_grants())
    rows = [asdict(grant) for grant in grants]
    if arguments.as_json:
        print_json(rows)
    else:
        print_table([{**row, "operations": ", ".join(row["operations"])} for row in rows])
    return DONE


def _plan(arguments: argparse.Namespace) -> int:
    from spikewatch.chassis.kafka import topics_admin  # noqa: PLC0415  # loads the Kafka client; --help should not wait

    changes = _asked(topics_admin.plan(kafka_connection(arguments)))
    _show(changes, as_json=arguments.as_json)
    return DONE if all(change.action == "ok" for change in changes) else _DIFFERS


def _apply(arguments: argparse.Namespace) -> int:
    from spikewatch.chassis.kafka import topics_admin  # noqa: PLC0415  # loads the Kafka client; --help should not wait

    changes = _asked(topics_admin.apply(kafka_connection(arguments), replication_factor=arguments.replication))
    _show(changes, as_json=arguments.as_json)
    return _DIFFERS if any(change.action == "differs" for change in changes) else DONE


def _asked(question: "Coroutine[Any, Any, list[TopicChange]]") -> "list[TopicChange]":
    from spikewatch.chassis.kafka.topics_admin import Refused  # noqa: PLC0415  # loads the Kafka client; --help should not wait
    from spikewatch.chassis.outcome import Transient  # noqa: PLC0415

    try:
        return asyncio.run(question)
    except Refused as error:
        raise CannotRun(str(error)) from None
    except Transient as error:
        raise CannotRun(f"Kafka did not answer ({error}); is the address right?") from None


def _show(changes: "Sequence[TopicChange]", *, as_json: bool) -> None:
    rows = [asdict(change) for change in changes]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ("topic", "action", "detail"))


def _asyncapi(arguments: argparse.Namespace) -> int:
    from spikewatch.contracts.asyncapi import document  # noqa: PLC0415  # loads every model; --help should not wait

    return _write(json.dumps(document(), indent=2, ensure_ascii=False) + "\n", arguments.output)


def _docs(arguments: argparse.Namespace) -> int:
    from spikewatch.contracts.topic_table import markdown  # noqa: PLC0415  # loads every model; --help should not wait

    return _write(markdown(), arguments.output)


def _strimzi(arguments: argparse.Namespace) -> int:
    from spikewatch.contracts import strimzi  # noqa: PLC0415  # loads every model; --help should not wait

    if arguments.agency:
        resources: Sequence[strimzi.Resource] = [strimzi.agency_user(arguments.agency)]
    elif arguments.subscriber:
        resources = [strimzi.subscriber_user(arguments.subscriber)]
    else:
        resources = [*strimzi.topic_resources(), *strimzi.user_resources()]
    return _write(strimzi.as_yaml(resources), arguments.output)


def _write(text: str, output: Path | None) -> int:
    if output is None:
        sys.stdout.write(text)
        return DONE
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotRun(f"{output} cannot be written: {error.strerror}") from None
    return DONE

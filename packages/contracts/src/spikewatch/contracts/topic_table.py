"""The topics as a Markdown page: what each holds, who writes and reads it, how long it stays."""

from collections.abc import Iterable, Sequence

from spikewatch.contracts.access import operator_grants, service_grants, services
from spikewatch.contracts.topics import Topic, every_topic

__all__ = ["markdown"]

_HEAD = """# Topics

Derived from the declaration in `packages/contracts/src/spikewatch/contracts/topics/`; written by `spikewatch topics docs`, do not edit.
Every record is a CloudEvent 1.0 in binary mode. The machine-readable form is [asyncapi.json](asyncapi.json).
"""

_DEAD_LETTERS = """Records that a consumer group could not process, byte for byte, with the reason in `dlq-` headers.
`spikewatch dlq` lists, shows and replays them.
"""
_ACCESS = """What each Kafka user may do; everything else is denied. An agency (`agency-<id>`) may write `overdose.submissions.v1` and read
nothing. A subscriber (`subscriber-<id>`) may read the topics marked so, in groups whose name begins with its own and a dot.
"""


def markdown(topics: Iterable[Topic] | None = None) -> str:
    """Return the page of the given topics (default: all)."""
    declared = tuple(every_topic() if topics is None else topics)
    own = [topic for topic in declared if not topic.name.endswith(".dlq")]
    letters = [topic for topic in declared if topic.name.endswith(".dlq")]
    return "\n".join(
        (
            _HEAD,
            *_table(
                (
                    "topic",
                    "holds",
                    "owner",
                    "key",
                    "value",
                    "written by",
                    "read by",
                    "partitions",
                    "kept",
                    "largest record",
                    "personal data",
                ),
                (
                    (
                        f"`{topic.name}`",
                        topic.summary,
                        topic.owner,
                        f"{topic.key}, e.g. `{topic.key_example}`".replace("|", "\\|")
                        + (" (partitioned by area)" if topic.partitioned_by == "area" else ""),
                        topic.content,
                        ", ".join(topic.producers),
                        ", ".join((*topic.consumers, *topic.readers)) or "nobody of ours",
                        topic.partitions,
                        _kept(topic),
                        _size(topic),
                        topic.personal,
                    )
                    for topic in own
                ),
            ),
            "\n## Event types\n",
            *_table(("topic", "`ce_type`"), ((f"`{topic.name}`", "<br>".join(f"`{kind}`" for kind in topic.event_types)) for topic in own)),
            "\n## Dead letters\n",
            _DEAD_LETTERS,
            *_table(
                ("topic", "written by", "partitions", "kept"),
                ((f"`{topic.name}`", ", ".join(topic.producers), topic.partitions, _kept(topic)) for topic in letters),
            ),
            "\n## Access\n",
            _ACCESS,
            *_table(("Kafka user", "may", "on"), _access(declared)),
            "",
        )
    )


def _access(topics: Sequence[Topic]) -> Iterable[Sequence[object]]:
    for grants in (*(service_grants(service, topics) for service in services(topics)), operator_grants(topics)):
        for grant in grants:
            star = "*" if grant.pattern == "prefix" else ""
            yield f"`{grant.principal}`", ", ".join(grant.operations), f"{grant.resource} `{grant.name}{star}`"


def _kept(topic: Topic) -> str:
    return "newest of each key, for ever" if topic.cleanup == "compact" else f"{topic.retention_days} days"


def _size(topic: Topic) -> str:
    return f"{topic.max_message_bytes / 1_048_576:g} MiB"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(' --- ' for _ in head)}|"]
    return lines + [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]

"""``python -m spikewatch.contracts``: writes every file that derives from the contracts, or checks with ``--check`` that all are fresh.

A schema that breaks its committed form is not written: a break needs a new major version, which is a new topic. Before a first
release ``--accept`` takes it on purpose.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from spikewatch.contracts.asyncapi import document
from spikewatch.contracts.compatibility import breaches
from spikewatch.contracts.schemas import schemas
from spikewatch.contracts.strimzi import as_yaml, topic_resources, user_resources
from spikewatch.contracts.topic_table import markdown

__all__ = ["derived", "main", "stale"]

_SCHEMAS = Path("packages/contracts/schemas")
_STRIMZI = Path("deploy/k8s/components/kafka-strimzi")
_NOTICE = "# Derived from the declared topics: python -m spikewatch.contracts\n"


def _pretty(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def derived() -> dict[Path, str]:
    """Return the text of every derived file by its path inside the repository."""
    return {
        **{_SCHEMAS / name: _pretty(schema) for name, schema in schemas().items()},
        Path("docs/reference/asyncapi.json"): _pretty(document()),
        Path("docs/reference/topics.md"): markdown(),
        _STRIMZI / "topics.yaml": _NOTICE + as_yaml(topic_resources()),
        _STRIMZI / "principals.yaml": _NOTICE + as_yaml(user_resources()),
    }


def stale(root: Path) -> list[Path]:
    """Return the derived files that are missing or differ from what the contracts say now."""
    return [path for path, text in derived().items() if not (root / path).is_file() or (root / path).read_text(encoding="utf-8") != text]


def _broken(root: Path) -> Iterator[str]:
    for name, newer in schemas().items():
        committed = root / _SCHEMAS / name
        if committed.is_file():
            for breach in breaches(json.loads(committed.read_text(encoding="utf-8")), newer):
                yield f"{name}: {breach.path or 'the model'}: {breach.change}: {breach.problem}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the derived files; 1 when one is stale or a schema breaks, else 0."""
    parser = argparse.ArgumentParser(prog="python -m spikewatch.contracts", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is stale")
    parser.add_argument("--accept", action="store_true", help="write schemas although they break their committed form")
    parser.add_argument("--root", type=Path, default=Path(), help="the repository (default: the current folder)")
    chosen = parser.parse_args(arguments)
    broken = list(_broken(chosen.root))
    for line in broken:
        print(line, file=sys.stderr)  # noqa: T201  # a command's answer
    if chosen.check:
        found = stale(chosen.root)
        for path in found:
            print(f"{path} is stale: run python -m spikewatch.contracts", file=sys.stderr)  # noqa: T201  # a command's answer
        return 1 if found or broken else 0
    if broken and not chosen.accept:
        print("Nothing was written: a breaking change is a new major version, which is a new topic.", file=sys.stderr)  # noqa: T201  # a command's answer
        return 1
    for path, text in derived().items():
        (chosen.root / path).parent.mkdir(parents=True, exist_ok=True)
        (chosen.root / path).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The options by which a verb reaches Kafka: ``--bootstrap``, else the environment, as the services read it."""

import argparse
import os

from pydantic import ValidationError

from spikewatch.chassis.kafka.connection import KafkaConnection
from spikewatch.cli.exit_status import CannotRun

__all__ = ["add_kafka_options", "kafka_connection"]

_BOOTSTRAP = "SPIKEWATCH_KAFKA_BOOTSTRAP"


def add_kafka_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--bootstrap``."""
    parser.add_argument(
        "--bootstrap", metavar="HOST:PORT", default=os.environ.get(_BOOTSTRAP), help=f"Kafka brokers (default: ${_BOOTSTRAP})"
    )


def kafka_connection(arguments: argparse.Namespace) -> KafkaConnection:
    """Return the connection; credentials come from the same variables as the services'.

    Raises:
        CannotRun: no address is given, or a setting is wrong.
    """
    if not arguments.bootstrap:
        raise CannotRun(f"no Kafka is named: give --bootstrap HOST:PORT or set {_BOOTSTRAP} (`spikewatch status` shows the local stack's)")
    from spikewatch.chassis.settings import ChassisSettings  # noqa: PLC0415  # pydantic-settings is slow to import and --help needs none of it

    try:
        settings = ChassisSettings(kafka_bootstrap=arguments.bootstrap, mongodb_uri="mongodb://unused")
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise CannotRun(f"SPIKEWATCH_{str(first['loc'][0]).upper()}: {first['msg']}") from None
    return KafkaConnection.from_settings(settings, "spikewatch-cli")

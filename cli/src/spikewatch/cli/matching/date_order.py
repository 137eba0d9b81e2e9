"""Reads the dates of a whole column in one order: month first, as is usual in the United States, unless a day above 12 stands first."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.matching.report_row import ReportRow
from spikewatch.enrichment.domain.matching.records import Compared
from spikewatch.enrichment.domain.matching.slashed import Order, order_of, turned

__all__ = ["in_one_order", "orders_of"]

_NAMES: Final = ("event_time", "received_at")
_WORDS: Final = {Order.MONTH_FIRST: "month first", Order.DAY_FIRST: "day first"}
_CERTAIN: Final = frozenset(_WORDS)


def orders_of(row: dict[str, str]) -> tuple[Order, ...]:
    """Return in which order each time of a row has month and day; nothing where none is written with slashes."""
    happened, came = row.get(_NAMES[0]) or "", row.get(_NAMES[1]) or ""
    return (order_of(happened), order_of(came)) if "/" in happened or "/" in came else ()


def in_one_order(rows: Iterable[ReportRow], file: str) -> Iterator[ReportRow]:
    """Return the rows, in their order, with each column of times read in the one order that it is written in.

    Rows that may be read either way wait until one tells.

    Raises:
        CannotRun: a column has both orders.
    """
    decided: dict[int, tuple[Order, int]] = {}  # by column the order, and the line that told it
    open_columns: set[int] = set()
    waiting: list[ReportRow] = []
    for row in rows:
        if not row.orders and not waiting:  # most files
            yield row
            continue
        for column, order in enumerate(row.orders):
            if order in _CERTAIN:
                told, line = decided.setdefault(column, (order, row.line))
                if told is not order:
                    raise CannotRun(_both(file, _NAMES[column], row.line, order, line, told))
                open_columns.discard(column)
            elif order is Order.EITHER and column not in decided:
                open_columns.add(column)
        if open_columns or waiting:
            waiting.append(row)
            if open_columns:
                continue
            yield from [_turned(one, decided) for one in waiting]
            waiting.clear()
        else:
            yield _turned(row, decided)
    yield from [_turned(one, decided) for one in waiting]


def _both(file: str, column: str, line: int, order: Order, other_line: int, other: Order) -> str:
    return (
        f"{file} line {line:,}: {column} is written {_WORDS[order]}, in line {other_line:,} {_WORDS[other]}; "
        "write the whole column in one order, for example 2026-05-01T13:45:00Z or 5/13/2026 13:45"
    )


def _turned(row: ReportRow, decided: dict[int, tuple[Order, int]]) -> ReportRow:
    record: Compared | None = row.record
    if record is None:
        return row
    for column, order in enumerate(row.orders):
        if order is Order.EITHER and column in decided and decided[column][0] is Order.DAY_FIRST:
            if column == 0:
                record = record._replace(seconds=turned(record.seconds))
            else:
                record = record._replace(revision=(turned(record.revision[0]), record.revision[1]))
    return row if record is row.record else replace(row, record=record)

"""Waiting for several things at once, such that nothing is still under way when one of them has failed.

A write that runs on behind a failed batch would meet that batch's repetition.
"""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar

__all__ = ["all_of", "both"]

A = TypeVar("A")
B = TypeVar("B")


async def both(one: Awaitable[A], other: Awaitable[B]) -> tuple[A, B]:
    """Return both results, or raise the first failure when both have ended."""
    first, second = await asyncio.gather(one, other, return_exceptions=True)
    if isinstance(first, BaseException):
        raise first
    if isinstance(second, BaseException):
        raise second
    return first, second


async def all_of(several: Iterable[Awaitable[A]]) -> list[A]:
    """Return all results in their order, or raise the first failure when all have ended."""
    results: list[A] = []
    for result in await asyncio.gather(*several, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
        results.append(result)
    return results

"""Ids of what the store holds, such as ``exp_`` and 32 hexadecimal digits.

One types the first few digits, so these differ from each id to the next. Ids therefore say nothing
of time: rows are in the order of ``created_at``, in which no two of one submission are equal, and
an id only decides between rows that others submitted at the same moment.
"""

import itertools
import os
import secrets

_STRIDE = 0x9E3779B1
"""2^32 divided by the golden ratio: multiples of it are spread as evenly as any number of them can
be, so that up to 46,368 ids in a row differ in their first four digits."""

TICK = 2e-6
"""Seconds from the time of one new row to that of the next; a double tells them apart."""

_numbers = itertools.count(secrets.randbits(32))


def _start_elsewhere() -> None:
    global _numbers  # noqa: PLW0603  # once in each process
    _numbers = itertools.count(secrets.randbits(32))


os.register_at_fork(after_in_child=_start_elsewhere)  # else siblings' ids would begin alike


def new_id(kind: str) -> str:
    """A new id of a kind, such as ``exp``."""
    first = next(_numbers) * _STRIDE % 2**32
    return f"{kind}_{first:08x}{secrets.token_hex(12)}"


def times(at: float, count: int) -> list[float]:
    """The times of rows that are made together, in their order; the last one is ``at``."""
    return [at - TICK * before for before in reversed(range(count))]

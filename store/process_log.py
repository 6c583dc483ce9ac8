"""Logging of a lab's processes: one format, timestamps in UTC, and ids bound to log lines.

2026-01-31T12:00:00.123Z WARNING worker[4242] experiment=exp_0 attempt=2 worker.attempt: ...
"""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType

_bound_ids: ContextVar[Mapping[str, object]] = ContextVar("bound_ids", default=MappingProxyType({}))


class UtcFormatter(logging.Formatter):
    """Formats timestamps as ISO 8601 in UTC, with milliseconds."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002  # overrides
        """The time of a log line."""
        created = datetime.fromtimestamp(record.created, UTC)
        return f"{created:%Y-%m-%dT%H:%M:%S}.{created.microsecond // 1000:03}Z"


def configure(process: str, level: int = logging.INFO) -> None:
    """Sends all log lines of this process and its forks to stderr.

    Args:
        process: The kind of process, such as ``worker``; every line has it, with the process id.
        level: The lowest level that is logged.
    """
    handler = logging.StreamHandler()
    handler.addFilter(_add_ids)
    line = f"%(asctime)s %(levelname)s {process}[%(process)d] %(ids)s%(name)s: %(message)s"
    handler.setFormatter(UtcFormatter(line))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    ignore_arithmetic()
    _ignore_glyphs()


def ignore_arithmetic() -> None:
    """Keeps NumPy's warnings about overflow and NaN out of the log: such numbers are results."""
    message = ".* encountered|Mean of empty slice|Degrees of freedom"
    warnings.filterwarnings("ignore", message, RuntimeWarning)


def _ignore_glyphs() -> None:
    """Keeps out of the log what drawing says of characters: a figure's footer says which lack."""
    message = "Glyph .* missing from|Matplotlib currently does not support"
    warnings.filterwarnings("ignore", message, UserWarning)
    logging.getLogger("fontTools").setLevel(logging.WARNING)


@contextmanager
def bound(**ids: object) -> Iterator[None]:
    """Adds ``ids`` to every line that this thread or task logs inside the context."""
    token = _bound_ids.set({**_bound_ids.get(), **ids})
    try:
        yield
    finally:
        _bound_ids.reset(token)


def _add_ids(record: logging.LogRecord) -> bool:
    record.ids = "".join(f"{name}={value} " for name, value in _bound_ids.get().items())
    return True

"""Logging of a lab's processes: one format, timestamps in UTC, and ids bound to log lines.

2026-01-31T12:00:00.123Z WARNING worker[4242] experiment=exp_0 attempt=2 worker.attempt: ...
"""

import logging
import threading
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType

FOLDED_SECONDS = 60.0
"""For so long after a warning, others like it are only counted."""

_MAX_FOLDED = 200
"""Most different warnings that are remembered."""

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
    handler.addFilter(RepeatFilter())
    line = (
        f"%(asctime)s %(levelname)s {process}[%(process)d] %(ids)s%(name)s: %(message)s%(repeats)s"
    )
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


class RepeatFilter(logging.Filter):
    """Folds repeated warnings: one line per minute says how many there were.

    A database that is away is reported by every request, each with an id of its own.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: OrderedDict[tuple[object, ...], tuple[float, int]] = OrderedDict()
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write a line; one that stands for others says so."""
        record.repeats = ""
        if record.levelno < logging.WARNING:
            return True
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001  # of any argument; the handler reports it, and goes on
            return True
        ids = (item for item in _bound_ids.get().items() if item[0] != "request")
        key = (record.name, record.levelno, message, *ids)
        with self._lock:
            since, count = self._seen.get(key, (float("-inf"), 0))
            is_repeated = 0 <= record.created - since < FOLDED_SECONDS
            if is_repeated:
                self._seen[key] = since, count + 1
                return False
            self._seen[key] = record.created, 0
            self._seen.move_to_end(key)
            if len(self._seen) > _MAX_FOLDED:
                self._seen.popitem(last=False)
        if count:
            record.repeats = f" ({count} more times since the last such line)"
        return True


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

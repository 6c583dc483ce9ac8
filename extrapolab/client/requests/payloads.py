"""Request bodies and parameters, made from the client's arguments."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

_NAME = re.compile(r"(?:[^,()]|\((?:[^()]|\([^()]*\))*\)|[()])+")
"""A name, in which parentheses may be nested once."""


def comma_list(text: str | None) -> list[str]:
    """Splits names at commas, but not at those in parentheses.

    Example:
        >>> comma_list("fit_error, imbalance"), comma_list(None)
        (['fit_error', 'imbalance'], [])
        >>> comma_list("count(seed in (0, 1)), name")
        ['count(seed in (0, 1))', 'name']
    """
    return [name.strip() for name in _NAME.findall(text or "") if name.strip()]


def sort_names(sort: str | None) -> list[str]:
    """The names that an order has.

    Example:
        >>> sort_names("-median(fit_error),name")
        ['median(fit_error)', 'name']
    """
    return [name.lstrip("+-").strip() for name in comma_list(sort)]


def import_body(
    file: Path,
    base: Mapping[str, Any] | None,
    columns: Mapping[str, str | None] | None,
    origin: str,
    tags: Sequence[str],
) -> dict[str, Any]:
    """Returns the body of an import, with the file's text.

    Raises:
        ValueError: The file is not UTF-8 text.
    """
    try:
        content = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{file} is not UTF-8 text; a table of runs is a .csv, .json or .ndjson file"
        ) from error
    return {
        "file": file.name,
        "content": content,
        "base": dict(base or {}),
        "columns": dict(columns or {}),
        "origin": origin,
        "tags": [*tags],
    }


def table_parameters(
    metrics: Iterable[str] | None, statistic: Iterable[str] | None
) -> dict[str, str | None]:
    """Returns the parameters that select the numbers of a table."""
    return {"metrics": join_names(metrics), "statistic": join_names(statistic)}


def join_names(names: Iterable[str] | None) -> str | None:
    """Joins names with commas; a single name can be given as it is.

    Example:
        >>> join_names(["fit_error", "imbalance"]), join_names("fit_error"), join_names(None)
        ('fit_error,imbalance', 'fit_error', None)
    """
    return names if names is None or isinstance(names, str) else ",".join(names)


def iso_time(time: datetime | None) -> str | None:
    """Formats a time with its zone.

    Raises:
        ValueError: It has no time zone.
    """
    if time is None:
        return None
    if time.tzinfo is None:
        raise ValueError(
            f"not_before needs a time zone, such as datetime(..., tzinfo=UTC); it is {time}"
        )
    return time.isoformat()


def notify_header(targets: str | Iterable[str] | None) -> dict[str, str]:
    """Returns the header of a submission that names these targets; no header for None.

    Raises:
        ValueError: A target is neither a name nor a URL.
    """
    if targets is None:
        return {}
    names = [targets] if isinstance(targets, str) else [*targets]
    for name in names:
        if not name.isascii() or not name.isprintable() or " " in name.strip() or not name.strip():
            raise ValueError(f"a target is a name or a URL without spaces; it is {name!r}")
    return {"X-Extrapolab-Notify": " ".join(name.strip() for name in names) or "none"}

"""HTML for notebooks: a title that links to the lab, a table and, if there is one, a figure."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from extrapolab.client.answers.formats import format_number
from extrapolab.client.connection.transport import Parameters, Transport
from extrapolab.errors import LabError
from extrapolab.models.experiments import Run

MAX_ROWS = 20


def page(address: str, title: str, state: str, table_html: str, picture_html: str) -> str:
    """Returns a title, which links to its page in the lab, and a state above table and picture."""
    from html import escape  # noqa: PLC0415  # few programs show notebooks

    heading = f'<a href="{escape(address)}" target="_blank"><b>{escape(title)}</b></a>'
    return f"<div>{heading} {escape(state)}{table_html}{picture_html}</div>"


def runs_table(runs: Iterable[Run]) -> str:
    """Returns a table with one row per seed."""
    return table(
        [
            {
                "seed": run.seed,
                "outcome": run.outcome.words if run.outcome else "",
                "fit error": run.summary.get("fit_error"),
                "extrapolation error": run.summary.get("extrapolation_error"),
                "zero baseline": run.summary.get("zero_baseline"),
            }
            for run in runs
        ]
    )


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Returns a table of the first rows, which have equal columns."""
    from html import escape  # noqa: PLC0415  # few programs show notebooks

    if not rows:
        return "<p>nothing yet</p>"
    shown = rows[:MAX_ROWS]
    head = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell(value))}</td>" for value in row.values()) + "</tr>"
        for row in shown
    )
    more = f"<p>and {len(rows) - len(shown)} more</p>" if len(rows) > len(shown) else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def picture(transport: Transport, address: str, parameters: Parameters | None = None) -> str:
    """Returns the figure at an address as an embedded image; "" if the lab cannot draw it."""
    try:
        content = transport.get_bytes(address, parameters)
    except LabError:  # such as a sweep without a numeric axis: the table is shown anyway
        return ""
    return f'<img alt="" src="data:image/svg+xml;base64,{base64.b64encode(content).decode()}">'


def cell(value: Any) -> str:
    """Formats a value of a table; None is empty."""
    if value is None:
        return ""
    return format_number(value) if isinstance(value, float) else str(value)

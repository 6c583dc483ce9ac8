"""What experiments, sweeps and questions show of themselves in a notebook: plain HTML, and a figure if there is one."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from extrapolab.client.transport import Parameters, Transport
from extrapolab.errors import LabError
from extrapolab.models.experiments import Run

MOST_ROWS = 20


def page(title: str, state: str, table: str, picture: str) -> str:
    """Title and state, a table, and below it the picture."""
    return f"<div><b>{escape(title)}</b> {escape(state)}{table}{picture}</div>"


def runs(ended: Iterable[Run]) -> str:
    """A row for each seed, of the first few."""
    return table(
        [
            {
                "seed": run.seed,
                "outcome": run.outcome or "",
                "fit error": run.summary.get("fit_error"),
                "extrapolation error": run.summary.get("extrapolation_error"),
                "zero baseline": run.summary.get("zero_baseline"),
            }
            for run in ended
        ]
    )


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of equal columns; of many the first."""
    if not rows:
        return "<p>nothing yet</p>"
    shown = [rows[0], *rows[1:MOST_ROWS]]
    head = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(v)}</td>" for v in row.values()) + "</tr>" for row in shown
    )
    more = f"<p>and {len(rows) - len(shown)} more</p>" if len(rows) > len(shown) else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def picture(transport: Transport, address: str, parameters: Parameters | None = None) -> str:
    """The figure at that address as an image that needs no server; nothing where the lab has none."""
    try:
        content = transport.get_bytes(address, parameters)
    except LabError:  # such as a sweep without an axis of numbers: the table is there all the same
        return ""
    return f'<img alt="" src="data:image/svg+xml;base64,{base64.b64encode(content).decode()}">'


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else escape(str(value))

"""Files that the client writes; the extension names the format."""

from pathlib import Path
from typing import Any

from extrapolab.client.transport import Parameters, Transport

PICTURES = frozenset({"svg", "png", "pdf"})


def file_format(path: Path, example: str) -> str:
    """Returns the format that the path's extension names.

    Raises:
        ValueError: It has no extension.
    """
    if not path.suffix:
        raise ValueError(
            f"{str(path)!r} needs an extension that names its format, such as {example}"
        )
    return path.suffix[1:]


def save_figure(
    transport: Transport,
    address: str,
    path: str | Path | None,
    parameters: Parameters,
) -> Path:
    """Writes the figure at ``address`` to ``path``; by default, to its name with .svg.

    In the style ``paper``, which has no title, the caption is written beside it, as .txt.
    """
    target = Path(path or f"{address.rpartition('/')[2]}.svg")
    figure_format = file_format(target, ".svg")
    parameters = {name: _as_text(value) for name, value in parameters.items()}
    target.write_bytes(transport.get_bytes(f"{address}.{figure_format}", parameters))
    if parameters.get("style") == "paper" and figure_format in PICTURES:
        target.with_suffix(".txt").write_bytes(transport.get_bytes(f"{address}.txt", parameters))
    return target


def _as_text(value: Any) -> Any:
    """Pairs, such as the limits of an axis, as ``"1,100"``."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else value

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
    style: str = "screen",
) -> Path:
    """Writes the figure at ``address`` to ``path``; by default, to its name with .svg.

    In the style ``paper``, which has no title, the caption is written beside it, as .txt.
    ``style`` is the figure's own, if the parameters name none.
    """
    target = Path(path or f"{address.rpartition('/')[2]}.svg")
    figure_format = file_format(target, ".svg")
    parameters = in_query(parameters)
    target.write_bytes(transport.get_bytes(f"{address}.{figure_format}", parameters))
    if parameters.get("style", style) == "paper" and figure_format in PICTURES:
        target.with_suffix(".txt").write_bytes(transport.get_bytes(f"{address}.txt", parameters))
    return target


def in_query(parameters: Parameters) -> dict[str, Any]:
    """The parameters as a query string holds them: pairs, such as limits, as ``"1,100"``."""
    return {
        name: ",".join(map(str, value)) if isinstance(value, list | tuple) else value
        for name, value in parameters.items()
    }

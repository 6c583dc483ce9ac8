"""Files that the client writes: figures and exports by their extension, papers as folders."""

import errno
import io
import json
import zipfile
from pathlib import Path
from typing import Any

from extrapolab.client.connection.transport import Parameters, Transport

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


def save_paper(
    transport: Transport, folder: str | Path, parameters: Parameters, *, overwrite: bool
) -> Path:
    """Writes a paper for LaTeX to a folder, which is made if there is none.

    Raises:
        FileExistsError: The folder is not empty, and ``overwrite`` is False.
    """
    target = Path(folder)
    if not overwrite and target.exists() and any(target.iterdir()):
        message = "is not empty: name another folder, or overwrite the files of a paper in it"
        raise FileExistsError(errno.EEXIST, message, str(target))
    content = transport.get_bytes("/v1/paper", parameters)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(target)
    return target


def left_out(folder: Path) -> list[str]:
    """The figures of a paper that could not be drawn, each with the reason."""
    provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    return [str(reason) for reason in provenance["left_out"]]

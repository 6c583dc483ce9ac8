"""Files that the client writes; the extension names the format."""

from pathlib import Path

from extrapolab.client.transport import Parameters, Transport


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
    """Writes the figure at ``address`` to ``path``; by default, to its name with .svg."""
    target = Path(path or f"{address.rpartition('/')[2]}.svg")
    figure_format = file_format(target, ".svg")
    target.write_bytes(transport.get_bytes(f"{address}.{figure_format}", parameters))
    return target

"""Papers: figures, verdicts and references that the lab writes up for LaTeX, as a folder."""

import errno
import io
import json
import zipfile
from pathlib import Path

from extrapolab.client.transport import Parameters, Transport


def save_paper(
    transport: Transport, folder: str | Path, parameters: Parameters, *, overwrite: bool
) -> Path:
    """Writes the files of a paper to a folder, which is made if there is none.

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

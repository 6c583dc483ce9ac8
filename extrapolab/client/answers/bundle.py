"""The progress of a bundle, read off the zip while it arrives."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from extrapolab.client.connection.transport import ObserveDownload

_FIRST_FILE = re.compile(rb"PK\x03\x04.{26}exp_[0-9a-f]{32}/spec\.json", re.DOTALL)
"""The local header of the first file of an experiment (PKWARE's APPNOTE, 4.3.7)."""

_HEADER_BYTES = 4 + 26 + len("exp_") + 32 + len("/spec.json")


@dataclass(frozen=True)
class BundleProgress:
    """How much of a bundle has arrived.

    Attributes:
        experiments: Experiments of which something has arrived.
        of: Experiments that matched when the bundle was started; None if the lab didn't say.
        bytes: Size of the file so far.
    """

    experiments: int
    of: int | None
    bytes: int


def counting(observe: Callable[[BundleProgress], object]) -> ObserveDownload:
    """Calls ``observe`` with the progress as parts of a bundle arrive, from 0 for each try."""

    def start(headers: Mapping[str, str]) -> Callable[[bytes], None]:
        total = headers.get("X-Total-Count")
        of = None if total is None else int(total)
        experiments = size = 0
        tail = b""

        def count(part: bytes) -> None:
            nonlocal experiments, size, tail
            size += len(part)
            text = tail + part
            experiments += len(_FIRST_FILE.findall(text))
            tail = text[1 - _HEADER_BYTES :]  # shorter than a header: none is counted twice
            observe(BundleProgress(experiments, of, size))

        return count

    return start

"""Figures as files, with their caption and the spec hashes of their experiments as metadata."""

import hashlib
import io
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from core.figures.drawing.characters import FONTS
from core.figures.drawing.parameters import rc_params
from core.figures.info import Info
from core.look import Format, Look

DOTS_PER_INCH = 160
DOTS_PER_INCH_PRINTED = 300

MAX_HASHES = 1000
"""Most spec hashes that a file lists; further ones are only counted."""

STYLE_VERSION = hashlib.sha256(
    b"".join(
        [
            mpl.__version__.encode(),
            " ".join(FONTS).encode(),
            *(file.read_bytes() for file in sorted(Path(__file__).parents[1].rglob("*.py"))),
        ]
    )
).hexdigest()[:16]
"""Identifies the drawing code and its fonts: the same numbers and look give the same file in one
version."""


def encode(figure: Figure, info: Info, format: Format, look: Look) -> bytes:  # noqa: A002  # matplotlib's own word
    """The figure as a file with its caption and its experiments' spec hashes as metadata.

    The same figure gives the same bytes on one build of matplotlib.
    """
    buffer = io.BytesIO()
    dots = DOTS_PER_INCH_PRINTED if look.style == "paper" else DOTS_PER_INCH
    with mpl.rc_context(rc_params(look)):
        figure.savefig(buffer, format=format, dpi=dots, metadata=_metadata(info, format))
    return buffer.getvalue()


def _metadata(info: Info, format: Format) -> dict[str, Any]:  # noqa: A002  # matplotlib's own word
    """The file's metadata under the names of its format; no date, and no name of software."""
    title, caption = (_printable(text) for text in (info.title.replace("\n", ": "), info.caption))
    hashes = [f"spec {spec_hash}" for spec_hash in info.spec_hashes[:MAX_HASHES]]
    if more := len(info.spec_hashes) - len(hashes):
        hashes.append(f"and {more} more")
    match format:
        case "svg":
            return {
                "Title": title,
                "Description": caption,
                "Keywords": hashes,
                "Source": info.source,
                "Date": None,
            }
        case "png":
            return {
                "Title": title,
                "Description": caption,
                "Comment": "; ".join(hashes),
                "Source": info.source,
                "Software": None,
            }
        case "pdf":
            return {
                "Title": title,
                "Subject": caption,
                "Keywords": "; ".join(hashes),
                "CreationDate": None,
            }


def _printable(text: str) -> str:
    """Text without what no file format can hold: control characters and lone surrogates."""
    return "".join(c for c in text if c.isprintable()).encode(errors="replace").decode()

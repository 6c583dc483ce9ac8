"""Fetches what the pages are made of and others have written: ``make vendor``, with npm and brotli.

``tools/vendor.json`` lists the packages and their files; this script copies the files, makes the
subsets of fonts, and writes ``service/pages/static/vendor/MANIFEST.json`` with their digests. The
copies are committed, so that nobody else needs npm.
"""

import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

HERE = Path(__file__).parent
ROOT = HERE.parent
MANIFEST = ROOT / "service" / "pages" / "static" / "vendor" / "MANIFEST.json"


def fetch(package: str) -> tarfile.TarFile:
    """The archive of an npm package, such as ``uplot@1.6.32``."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", package]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        content = next(Path(folder).iterdir()).read_bytes()
    return tarfile.open(fileobj=io.BytesIO(content))


def member(archive: tarfile.TarFile, name: str) -> bytes:
    """A file of a package."""
    file = archive.extractfile(f"package/{name}")
    if file is None:
        raise FileNotFoundError(name)
    return file.read()


def reduced(font: bytes, options: dict[str, Any]) -> bytes:
    """The font with only these ``characters``, ``axes`` (a value, or ends) and ``features``."""
    loaded = TTFont(io.BytesIO(font), recalcTimestamp=False)
    if "axes" in options:
        axes = {
            name: tuple(ends) if isinstance(ends, list) else ends
            for name, ends in options["axes"].items()
        }
        variable = instancer.instantiateVariableFont(loaded, axes)
        variable.flavor = None
        plain = io.BytesIO()
        variable.save(plain)
        loaded = TTFont(plain, recalcTimestamp=False)
    features = options.get("features", ["kern", "ccmp", "mark", "mkmk"])
    subsetter = subset.Subsetter(subset.Options(layout_features=features))
    subsetter.populate(unicodes=subset.parse_unicodes(options["characters"]))
    subsetter.subset(loaded)
    loaded.flavor = "woff2"
    compressed = io.BytesIO()
    loaded.save(compressed)
    return compressed.getvalue()


def main() -> None:
    """Copies all files and writes the manifest."""
    manifest: list[dict[str, Any]] = []
    for package in json.loads((HERE / "vendor.json").read_text()):
        archive = fetch(package["package"])
        for source, target in package["files"].items():
            options = target if isinstance(target, dict) else {"to": target}
            content = member(archive, source)
            if "characters" in options:
                content = reduced(content, options)
            file = ROOT / options["to"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            manifest.append(
                {
                    "file": options["to"],
                    "package": package["package"],
                    "source": source,
                    **{name: value for name, value in options.items() if name != "to"},
                    "licence": package["licence"],
                    "sha256": hashlib.sha256(content).hexdigest(),
                }
            )
    MANIFEST.write_text(json.dumps(manifest, indent=2) + "\n")
    print(f"{len(manifest)} files, listed in {MANIFEST.relative_to(ROOT)}")  # noqa: T201


if __name__ == "__main__":
    main()

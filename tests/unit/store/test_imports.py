"""The store imports no heavy package."""

import subprocess
import sys
from pathlib import Path

import store

ROOT = Path(store.__file__).parent
FILES = [path.relative_to(ROOT.parent) for path in ROOT.rglob("*.py")]
MODULES = sorted(
    ".".join(path.with_suffix("").parts)
    for path in FILES
    if path.stem != "__init__" and "migrations" not in path.parts  # Alembic runs those
)


def test_the_store_never_loads_torch_matplotlib_or_fastapi():
    heavy = "[name for name in ('torch', 'matplotlib', 'fastapi') if name in sys.modules]"
    script = f"import sys, {', '.join(MODULES)}; print({heavy})"
    process = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == "[]"

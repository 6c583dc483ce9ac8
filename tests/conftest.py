"""Loads the fixtures of ``tests/kit`` and checks the array shapes that core's annotations declare.

The import hook wraps every function of these modules with beartype. Only tests install it: in
production the annotations are documentation.
"""

import os
from pathlib import Path

# One thread per process, read when NumPy and torch are loaded: matrices are small here, and threads
# of several processes that wait for each other on few cores take many times as long.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))

import pytest
from jaxtyping import install_import_hook

ROOT = Path(__file__).parents[1]

SHAPE_CHECKED_MODULES = (
    "core.baselines",
    "core.losses",
    "core.metrics",
    "core.systems",
    "core.theory",
)

install_import_hook(SHAPE_CHECKED_MODULES, "beartype.beartype")

pytest_plugins = [
    "tests.kit.database",
    "tests.kit.postgres",
    "tests.kit.pgbouncer",
    "tests.kit.redis",
    "tests.kit.lab",
]

HEAVIEST = (
    "tests/unit/core/test_kernel.py",
    "tests/integration/service/test_openapi.py",
    "tests/unit/core/test_sequence_kernel.py",
    "tests/browser/test_site.py",
    "tests/figures/test_gallery.py",
    "tests/acceptance/test_pages.py",
    "tests/unit/worker/test_trainer.py",
    "tests/integration/worker/test_faults.py",
    "tests/integration/lab/test_up.py",
)
"""The files that take longest, which begin first, so that no process waits for another at the end.

Two processes take turns. The first one's files compile the loops, which all later trainers load,
while those of the second train nothing: trainers that start together would each compile them.
"""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the tests of the heaviest files first."""
    ranks = {ROOT / name: rank for rank, name in enumerate(HEAVIEST)}
    assert all(file.exists() for file in ranks), "HEAVIEST names a file that isn't there"
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))

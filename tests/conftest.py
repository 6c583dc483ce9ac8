"""Loads the fixtures of ``tests/kit`` and checks the array shapes that core's annotations declare.

The import hook wraps every function of these modules with beartype. Only tests install it: in
production the annotations are documentation.
"""

import os

# One thread per process, read when NumPy and torch are loaded: matrices are small here, and threads
# of several processes that wait for each other on few cores take many times as long.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))

from jaxtyping import install_import_hook

SHAPE_CHECKED_MODULES = (
    "core.baselines",
    "core.losses",
    "core.metrics",
    "core.systems",
    "core.theory",
)

install_import_hook(SHAPE_CHECKED_MODULES, "beartype.beartype")

pytest_plugins = ["tests.kit.database", "tests.kit.postgres", "tests.kit.redis", "tests.kit.lab"]

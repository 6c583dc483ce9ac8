"""What ``import extrapolab`` offers, and what it must not cost."""

import subprocess
import sys

import extrapolab

HEAVY = (
    "torch",
    "sqlalchemy",
    "celery",
    "redis",
    "fastapi",
    "matplotlib",
    "psycopg",
    "typer",
    "rich",
)


def test_the_public_names_are_sorted_and_there():
    assert extrapolab.__all__ == sorted(extrapolab.__all__)
    for name in extrapolab.__all__:
        assert getattr(extrapolab, name).__doc__, name


def test_every_error_of_the_client_is_public():
    public = {
        name
        for name in dir(extrapolab.errors)
        if isinstance(getattr(extrapolab.errors, name), type)
    }
    assert public - {"Any", "Mapping", "Sequence", "ExtrapolabError"} <= set(extrapolab.__all__)


def test_importing_the_client_loads_nothing_heavy():
    code = f"import sys, extrapolab; print([name for name in {HEAVY} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_command_line_loads_no_server_library():
    code = f"import sys, extrapolab.cli.app; print([name for name in {HEAVY[:-2]} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

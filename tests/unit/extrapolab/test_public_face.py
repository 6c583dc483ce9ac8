"""The public names of ``import extrapolab``, and the imports that it must avoid."""

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


def test_public_names_are_sorted_and_documented():
    assert extrapolab.__all__ == sorted(extrapolab.__all__)
    for name in extrapolab.__all__:
        assert getattr(extrapolab, name).__doc__, name


def test_every_client_error_is_public():
    public = {
        name
        for name in dir(extrapolab.errors)
        if isinstance(getattr(extrapolab.errors, name), type)
    }
    assert public - {"Any", "Mapping", "Sequence", "ExtrapolabError"} <= set(extrapolab.__all__)


def test_lab_has_exactly_its_public_methods():
    methods = {"submit", "check", "experiment", "experiments", "query", "as_completed", "watch"}
    methods |= {"reproduce", "import_runs", "sweep", "check_sweep", "sweep_of", "sweeps", "table"}
    methods |= {
        "workers",
        "queue",
        "attention",
        "drain",
        "studies",
        "reports",
        "study",
        "compare",
        "compare_figure",
    }
    methods |= {"cancel", "fields", "figure", "figure_of", "figures", "paper"}
    methods |= {"views", "save_view", "change_view", "remove_view"}
    methods |= {"retry", "pause", "resume", "prioritise", "tag", "delete"}
    methods |= {"count", "facets", "field_values", "varying", "complete", "series"}
    methods |= {"preview_teacher", "notify", "notifications"}
    methods |= {"close", "url"}
    assert {name for name in dir(extrapolab.Lab) if not name.startswith("_")} == methods


def test_importing_the_client_loads_no_heavy_package():
    code = f"import sys, extrapolab; print([name for name in {HEAVY} if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_command_line_loads_no_server_package():
    code = (
        "import sys, extrapolab.cli.app; "
        f"print([name for name in {HEAVY[:-2]} if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"

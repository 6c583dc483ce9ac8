"""The page on questions is true of a real lab: its filters are understood, its programs and commands run."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from extrapolab import Lab
from extrapolab.cli import app
from extrapolab.exits import Exit

PAGE = Path(__file__).parents[2].joinpath("docs", "query.md").read_text()
CELLS = [row.split("|")[1] for row in PAGE.splitlines() if row.startswith("| `")]
FILTERS = [f for cell in CELLS for f in re.findall(r"`([^`]+)`", cell) if "..." not in f.replace("swp_...", "")]
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [line for line in re.findall(r"^\$ extrapolab (.*)$", PAGE, re.MULTILINE) if "student.scale" not in line]


@pytest.fixture(scope="module")
def trained(lab):
    """A lab that has something to be asked about."""
    with Lab(lab.url) as client:
        spec = {
            "name": "asked about",
            "tags": ["figure-1"],
            "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.25]}},
            "student": {"kind": "linear", "dim": 10},
            "training": {"length": 6},
            "optimizer": {"steps": 200},
            "evaluation": {"fit_tolerance": 10.0},
            "seeds": 2,
        }
        client.submit(spec).wait(90)
        yield client


def test_there_is_something_to_try():
    assert (len(FILTERS) > 20, len(PROGRAMS), len(COMMANDS)) == (True, 3, 2)


@pytest.mark.parametrize("q", FILTERS)
def test_each_filter_is_understood(trained, q):
    list(trained.query(q, limit=1))


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_each_program_runs(trained, program, monkeypatch, capsys):
    monkeypatch.setenv("EXTRAPOLAB_URL", trained.url)
    exec(compile(program, "docs/query.md", "exec"), {})  # it is ours
    assert "6" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_runs(trained, command, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(app, ["--url", trained.url, *shlex.split(command)])
    assert ended.exit_code == Exit.OK, ended.output

"""Runs every program and command of the documentation against a real lab, as a reader would."""

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from extrapolab import Lab
from extrapolab.cli.app import app
from tests.kit.lab import running_lab
from tests.kit.pages import LANGUAGES, PAGES, ROOT, blocks, missing_lines, output_matches

WITH_CODE = [page for page in PAGES if any(block.language for block in blocks(page))]


@pytest.fixture(scope="module")
def pages_lab(tmp_path_factory):
    """A lab for the pages alone: they fill it, and one drains a worker."""
    with running_lab(tmp_path_factory.mktemp("pages") / "data", "--workers", "3") as running:
        yield running


@pytest.fixture
def shell(pages_lab, monkeypatch, tmp_path):
    """Runs a command in the page's folder as a reader would; returns exit code and output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXTRAPOLAB_URL", pages_lab.url)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("MPLBACKEND", "agg")
    (tmp_path / ".lab").symlink_to(pages_lab.data)

    def run(command):
        url = pages_lab.url
        script = fill_in_ids(command.replace("http://127.0.0.1:8000", url), url)
        if script.startswith("extrapolab ") and not set("|<>$;&#") & set(script.replace("'", "")):
            return run_in_process(shlex.split(script)[1:])
        process = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        return process.returncode, process.stdout + process.stderr

    return run


def run_in_process(arguments):
    """Runs an ``extrapolab`` command in this process, which saves the start of another."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def fill_in_ids(command, url):
    """The command with ids from the lab in place of the page's ``exp_...``."""
    with Lab(url) as lab:
        ids = {
            "exp": (experiment.id for experiment in lab.query("state = completed")),
            "swp": (sweep.id for sweep in lab.sweeps()),
            "fig": (figure.id for figure in lab.figures()),
            "worker": (worker.id for worker in lab.workers()),
        }
        return re.sub(r"\b(exp|swp|fig|worker)_\.\.\.", lambda match: next(ids[match[1]]), command)


def run_program(block, names):
    """Runs a program with the page's names; returns its output."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("default")  # other libraries' warnings are no errors
        exec(compile(block.text, block.location, "exec"), names)
    return printed.getvalue()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_code_of_the_page_runs_as_shown(page, shell):
    names, printed = {"__name__": "__main__"}, None
    try:
        for block in blocks(page):
            if block.skip_reason:
                continue
            if block.title:
                Path(block.title).write_text(block.text)
            if block.language == "python":
                printed = run_program(block, names)
            elif block.language == "text":
                assert printed is not None, f"{block.location}: no program precedes this output"
                assert output_matches(block.text, printed), (
                    f"{block.location}: the program printed\n{printed}"
                )
                printed = None
            elif block.language == "console":
                run_console(block, shell)
    finally:
        for value in names.values():
            if isinstance(value, Lab):
                value.close()


def run_console(block, shell):
    """Runs the commands of a console."""
    for command, expected in block.commands:
        if command.startswith("curl") and shutil.which("curl") is None:
            continue
        exit_code, output = shell(command)
        assert exit_code == block.exit_code, (
            f"{block.location}: {command} exited with {exit_code}\n{output}"
        )
        assert not missing_lines(expected, output), f"{block.location}: {command}\n{output}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_fences_have_a_known_language(page):
    for block in blocks(page):
        assert block.language in LANGUAGES | {""}, (
            f"{block.location}: no test runs {block.language}"
        )
        commands = re.findall(
            r"^(?:\$ .*|(?:extrapolab|make|curl|pip|docker) .*)$", block.text, re.MULTILINE
        )
        assert block.language or not commands, (
            f"{block.location}: must be a console, has {commands}"
        )
        if block.language in {"yaml", "json"}:
            assert yaml.safe_load(block.text), f"{block.location}: it is empty"


def test_different_output_is_detected():
    assert output_matches("0 fitted 1.93e-07\n", "0  fitted 1.9289e-07")
    assert not output_matches("0 fitted 1.93e-07\n", "0 fitted 2.1e-07")
    assert not output_matches("0 fitted\n", "0 diverged")
    assert not output_matches("0\n", "0 1")
    assert (
        missing_lines([f"exp_{'0' * 32}  9 queued", "..."], f"exp_{'1' * 32}   12 queued\nmore")
        == []
    )
    assert missing_lines(["9 running"], "12 queued") == ["\\#\\ running"]
    assert missing_lines(["a ... d"], "a b c d") == []


def test_at_least_ten_pages_have_code():
    assert len(WITH_CODE) > 9

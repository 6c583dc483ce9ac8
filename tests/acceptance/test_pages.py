"""Every program and command in the documentation, run against a real lab, as somebody who reads the pages would."""

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
def own(tmp_path_factory):
    """A lab of these pages' own: some fill it, one drains a worker of it."""
    with running_lab(tmp_path_factory.mktemp("pages") / "data", "--workers", "3") as running:
        yield running


@pytest.fixture
def shell(own, monkeypatch, tmp_path):
    """Runs a command as the page's reader does, in a folder of the page's own; what it ends with and prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXTRAPOLAB_URL", own.url)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("MPLBACKEND", "agg")
    (tmp_path / ".lab").symlink_to(own.data)

    def run(command):
        script = named(command.replace("http://127.0.0.1:8000", own.url), own.url)
        if script.startswith("extrapolab ") and not set("|<>$;&#") & set(script.replace("'", "")):
            return ours(shlex.split(script)[1:])
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        return ended.returncode, ended.stdout + ended.stderr

    return run


def ours(arguments):
    """A command of ours that needs nothing of a shell, in this process: it is there already."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        ended = CliRunner().invoke(app, arguments)
    return ended.exit_code, ended.output


def named(command, url):
    """The command with ids of the lab where the page has dots."""
    with Lab(url) as lab:
        known = {
            "exp": (one.id for one in lab.query("state = completed")),
            "swp": (one.id for one in lab.sweeps()),
            "fig": (one.id for one in lab.figures()),
            "worker": (one.id for one in lab.workers()),
        }
        return re.sub(
            r"\b(exp|swp|fig|worker)_\.\.\.", lambda found: next(known[found[1]]), command
        )


def run_program(block, names):
    """What the program prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("default")  # those of other libraries are theirs
        exec(compile(block.text, block.location, "exec"), names)  # it is ours
    return printed.getvalue()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_page_does_what_it_says(page, shell):
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
                assert printed is not None, f"{block.location}: no program prints this"
                assert output_matches(block.text, printed), (
                    f"{block.location}: it prints\n{printed}"
                )
                printed = None
            elif block.language == "console":
                play(block, shell)
    finally:
        for value in names.values():
            if isinstance(value, Lab):
                value.close()


def play(block, shell):
    """Runs the commands of a console."""
    for command, shown in block.commands:
        if command.startswith("curl") and shutil.which("curl") is None:
            continue
        code, said = shell(command)
        assert code == block.exit_code, f"{block.location}: {command} ended with {code}\n{said}"
        assert not missing_lines(shown, said), f"{block.location}: {command}\n{said}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_says_that_it_is_code(page):
    for block in blocks(page):
        assert block.language in LANGUAGES | {""}, f"{block.location}: nobody runs {block.language}"
        commands = re.findall(
            r"^(?:\$ .*|(?:extrapolab|make|curl|pip|docker) .*)$", block.text, re.MULTILINE
        )
        assert block.language or not commands, f"{block.location}: a console, for it has {commands}"
        if block.language in {"yaml", "json"}:
            assert yaml.safe_load(block.text), f"{block.location}: it holds nothing"


def test_what_a_page_shows_is_compared():
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


def test_there_is_something_to_run():
    assert len(WITH_CODE) > 9

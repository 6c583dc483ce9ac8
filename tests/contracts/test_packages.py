"""Properties of the whole repository: import names, forbidden content, length of files."""

import importlib
import importlib.metadata
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("core", "store", "service", "worker", "lab", "extrapolab")
HERE = Path(__file__).name
FOLDERS = (*ROOMS, "tests", "docs", "benchmarks", ".ci")


def text_files() -> list[Path]:
    """Every text file of the repository."""
    paths = [*ROOT.glob("*"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))]
    files = [path for path in paths if path.is_file() and "__pycache__" not in path.parts]
    return [file for file in files if b"\0" not in file.read_bytes()]


@pytest.mark.parametrize("room", ROOMS)
def test_each_import_name_belongs_to_this_repository(room):
    location = Path(importlib.import_module(room).__file__).resolve()
    installed = [
        Path(file.locate()).resolve() for file in importlib.metadata.files("extrapolab") or ()
    ]
    assert location.is_relative_to(ROOT) or location in installed


def test_the_command_line_finds_the_commands_of_the_lab():
    (entry,) = importlib.metadata.entry_points(group="extrapolab.commands", name="lab")
    assert {
        command.name or command.callback.__name__ for command in entry.load().registered_commands
    } == {
        "up",
        "worker",
        "migrate",
        "backup",
        "restore",
        "doctor",
    }


@pytest.mark.parametrize(
    "setting", ["task_always_eager = {}", "task_always_eager={}", "'task_always_eager': {}"]
)
def test_no_file_makes_celery_run_tasks_in_the_sender(setting):
    assert not [
        file for file in text_files() if setting.format(True) in file.read_text().replace('"', "'")
    ]


def test_no_file_names_a_package_registry():
    hosts = (
        "pypi.org",
        "pythonhosted.org",
        "download.pytorch.org",
        "registry.npmjs.org",
        "deb.debian.org",
        "ghcr.io",
        "quay.io",
    )
    mentions = {
        (file.name, host)
        for file in text_files()
        if file.name != HERE
        for host in hosts
        if host in file.read_text()
    }
    assert not mentions


def test_no_file_names_a_folder_of_a_particular_machine():
    pattern = re.compile(r"(?<![\w.])/(?:root|home/(?!lab\b)\w+|work|opt)/")
    mentions = {
        str(file.relative_to(ROOT))
        for file in text_files()
        if file.name != HERE and pattern.search(file.read_text())
    }
    assert not mentions


def test_no_file_is_longer_than_350_lines():
    sources = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]
    lengths = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in sources}
    assert lengths
    assert not {file: lines for file, lines in lengths.items() if lines > 350}


def test_ci_runs_make_test():
    script = (ROOT / ".ci" / "run").read_text()
    assert script.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in script
    assert script.rstrip().endswith("exec make test")
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100

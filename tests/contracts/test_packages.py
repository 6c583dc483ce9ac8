"""What holds for the code as a whole: whose the import names are, and what no file of ours may hold."""

import importlib
import importlib.metadata
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("core", "store", "service", "worker", "lab", "extrapolab")
HERE = Path(__file__).name


FOLDERS = (*ROOMS, "tests", "docs", "benchmarks", ".ci")


def our_files() -> list[Path]:
    """Every text file of the repository."""
    found = [*ROOT.glob("*"), *(file for folder in FOLDERS for file in (ROOT / folder).rglob("*"))]
    files = [file for file in found if file.is_file() and "__pycache__" not in file.parts]
    return [file for file in files if b"\0" not in file.read_bytes()]


@pytest.mark.parametrize("room", ROOMS)
def test_each_import_name_is_ours(room):
    place = Path(importlib.import_module(room).__file__).resolve()
    installed = [
        Path(file.locate()).resolve() for file in importlib.metadata.files("extrapolab") or ()
    ]
    assert place.is_relative_to(ROOT) or place in installed


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
def test_no_task_is_ever_run_in_the_senders_process(setting):
    assert not [
        file for file in our_files() if setting.format(True) in file.read_text().replace('"', "'")
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
    found = {
        (file.name, host)
        for file in our_files()
        if file.name != HERE
        for host in hosts
        if host in file.read_text()
    }
    assert not found


def test_no_file_names_a_folder_of_one_machine():
    pattern = re.compile(r"(?<![\w.])/(?:root|home/(?!lab\b)\w+|work|opt)/")
    found = {
        str(file.relative_to(ROOT))
        for file in our_files()
        if file.name != HERE and pattern.search(file.read_text())
    }
    assert not found


def test_no_file_is_longer_than_anybody_reads():
    lengths = {
        file.relative_to(ROOT): len(file.read_text().splitlines())
        for file in our_files()
        if file.suffix == ".py"
    }
    assert not {
        str(name): lines
        for name, lines in lengths.items()
        if lines > 350 and name.parts[0] in ROOMS
    }


def test_ci_runs_what_a_developer_runs():
    script = (ROOT / ".ci" / "run").read_text()
    assert script.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in script
    assert script.rstrip().endswith("exec make test")
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100

"""The command line where no lab is needed: help, mistakes, exit codes, commands of other rooms."""

import json
import os
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from extrapolab.cli.app import app
from extrapolab.cli.exit_codes import Exit

GOOD = {
    "teacher": {"kind": "delay"},
    "student": {"kind": "linear", "dim": 8},
    "training": {"length": 6},
}
EXPERIMENTS = (
    "submit",
    "status",
    "watch",
    "list",
    "edit",
    "cancel",
    "pause",
    "resume",
    "retry",
    "log",
)
BAD = {**GOOD, "training": {"length": 0}}


@pytest.fixture
def nowhere():
    """A URL where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def invoke(*arguments, **options):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], **options)


def test_the_help_names_every_command_and_exit_code():
    shown = invoke("--help").output
    for command in (
        *EXPERIMENTS,
        "result",
        "figure",
        "series",
        "workers",
        "sweep",
        "study",
        "demo",
    ):
        assert f"│ {command} " in shown
    for code in Exit:
        assert f"{code:d}: {code.meaning.split(',')[0]}" in shown


@pytest.mark.parametrize(
    "command",
    [
        "submit",
        "watch",
        "list",
        "result",
        "figure",
        "series",
        "study run",
        "study figure",
        "sweep submit",
        "sweep table",
    ],
)
def test_the_help_of_a_command_shows_an_example(command):
    assert f"extrapolab {command} " in invoke(*command.split(), "--help").output


def helps(command=None, words=()):
    """Each command's own words, with the text that they are written in."""
    command = command or get_command(app)
    yield words, command.help or ""
    for name in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from helps(command.get_command(None, name), (*words, name))


HELPS = dict(helps())


@pytest.mark.parametrize("words", HELPS, ids=" ".join)
def test_every_help_reads_well_on_a_narrow_terminal(words, monkeypatch):
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 80)
    shown = invoke(*words, "--help").output
    assert "```" not in shown
    assert "<bool>" not in shown, "a flag takes no value"
    examples = [
        line.strip()
        for block in HELPS[words].split("```")[1::2]
        for line in block.splitlines()
        if line.strip()
    ]
    for line in examples:
        assert line in shown, "an example is to be on one line"


def test_every_command_is_on_a_panel_of_its_kind():
    assert "─ Commands ─" not in invoke("--help").output


def test_the_version_is_that_of_the_package():
    assert invoke("--version").stdout == f"extrapolab {metadata.version('extrapolab')}\n"


def test_where_no_lab_answers_the_exit_code_is_3_and_the_message_says_what_to_do(nowhere):
    ended = invoke("--url", nowhere, "list")
    assert ended.exit_code == Exit.UNREACHABLE
    assert ended.stdout == ""
    assert nowhere in ended.stderr
    assert "extrapolab up" in ended.stderr


def test_the_url_is_taken_from_the_environment(nowhere):
    assert nowhere in invoke("workers", env={"EXTRAPOLAB_URL": nowhere}).stderr


def test_a_url_that_cannot_be_one_is_a_mistake_of_usage():
    ended = invoke("--url", "localhost:8000", "list")
    assert ended.exit_code == Exit.USAGE
    assert "http://host:port" in ended.stderr


def test_every_file_is_checked_before_the_lab_is_asked(tmp_path, nowhere):
    paths = [tmp_path / name for name in ("good.json", "bad.json", "worse.json")]
    for path, content in zip(paths, (GOOD, BAD, {"teacher": 3}), strict=True):
        path.write_text(json.dumps(content))
    ended = invoke("--url", nowhere, "submit", *paths)
    assert ended.exit_code == Exit.REFUSED
    assert f"{paths[1]} is not a valid experiment:\n  training.length: should be" in ended.stderr
    assert f"{paths[2]} is not a valid experiment:" in ended.stderr
    assert "good.json" not in ended.stderr
    assert nowhere not in ended.stderr


def test_a_file_that_is_not_there_is_a_mistake_of_usage(tmp_path):
    ended = invoke("submit", tmp_path / "nothing.json")
    assert ended.exit_code == Exit.USAGE
    assert "nothing.json can't be read" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("list", "--limit", "many"), "'--limit': should be a whole number"),
        (("list", "--limit", "0"), "'--limit': should be at least 1"),
        (("demo", "--size", "huge"), "'--size': 'huge' is not one of"),
    ],
)
def test_a_wrong_option_is_told_in_plain_words(arguments, words):
    ended = invoke(*arguments)
    assert ended.exit_code == Exit.USAGE
    assert words in " ".join(ended.stderr.replace("│", " ").split())


def test_a_figures_file_needs_an_ending(nowhere):
    ended = invoke("--url", nowhere, "figure", "exp_1", "response", "-o", "picture")
    assert ended.exit_code == Exit.USAGE
    assert ".svg" in ended.stderr


@pytest.fixture
def other_rooms(tmp_path):
    """An environment in which two more rooms offer commands: one whose libraries are missing, one that works."""
    for room, code in {"rich_room": "import a_library_that_is_not_here", "plain_room": ""}.items():
        (tmp_path / f"{room}.py").write_text(
            f"{code}\nimport typer\napp = typer.Typer()\n@app.command()\ndef greet(): typer.echo('hello')\n"
        )
        info = tmp_path / f"{room}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {room}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[extrapolab.cli.commands]\n{room} = {room}:app\n")

    def run(*arguments):
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path.cwd())]),
        }
        command = [sys.executable, "-m", "extrapolab", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


def test_commands_of_other_rooms_join(other_rooms):
    assert other_rooms("greet").stdout == "hello\n"
    assert "greet" in other_rooms("--help").stdout


def test_a_room_whose_libraries_are_missing_is_named_when_its_command_is_asked_for(other_rooms):
    ended = other_rooms("fly")
    assert ended.returncode == Exit.USAGE
    words = " ".join(ended.stderr.replace("│", " ").split())
    assert "No such command 'fly'" in words
    assert "The commands of 'rich_room' need more: pip install 'extrapolab[all]'" in words
    assert "a_library_that_is_not_here" in words

"""The command line without a lab: help, mistakes, exit codes, plugins."""

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

from extrapolab.cli.app import PLUGINS, app
from extrapolab.cli.exit_codes import ExitCode
from tests.kit.lab import EXTRAPOLAB

VALID_SPEC = {
    "teacher": {"kind": "delay"},
    "student": {"kind": "linear", "dim": 8},
    "training": {"length": 6},
}
INVALID_SPEC = {**VALID_SPEC, "training": {"length": 0}}
COMMANDS = (
    *("submit", "status", "watch", "list", "edit", "cancel", "pause", "resume", "retry", "log"),
    *("prioritise", "tag"),
    *("delete", "result", "figure", "series", "theorem", "query", "export", "compare"),
    *("reproduce", "import", "recipe", "sweep", "study", "demo", "workers", "completion"),
    *("mcp", "new", "init", "schema"),
)


@pytest.fixture
def unused_url():
    """A URL where nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{bound.getsockname()[1]}"


def invoke(*arguments, **options):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], **options)


def unboxed(text):
    """The words of a message that rich prints in a box."""
    return " ".join(text.replace("│", " ").split())


def test_help_names_every_command_and_exit_code():
    output = invoke("--help").output
    for command in COMMANDS:
        assert f"│ {command} " in output
    for code in ExitCode:
        assert f"{code:d}: {code.meaning.split(',')[0]}" in output


def described_commands(command=None, words=()):
    """Yields the words of every command, with the command."""
    command = command or get_command(app)
    yield words, command
    for name in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from described_commands(command.get_command(None, name), (*words, name))


ALL_COMMANDS = dict(described_commands())
OWN_COMMANDS = {
    words: command
    for words, command in ALL_COMMANDS.items()
    if command.callback is None or command.callback.__module__.startswith("extrapolab.")
}


def examples(command):
    """The lines of the code blocks in a command's help."""
    blocks = (command.help or "").split("```")[1::2]
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("words", OWN_COMMANDS, ids=" ".join)
def test_help_of_every_command_has_an_example(words):
    command = " ".join(("extrapolab", *words))
    assert any(f"{line} ".startswith(f"{command} ") for line in examples(OWN_COMMANDS[words])), (
        f"no example of '{command}'"
    )


@pytest.mark.parametrize("words", OWN_COMMANDS, ids=" ".join)
def test_help_of_every_command_starts_with_a_sentence(words):
    first_line = OWN_COMMANDS[words].help.strip().splitlines()[0]
    assert first_line[0].isupper()
    assert first_line.endswith("."), "the summary is one line"
    assert len(first_line) <= 80


@pytest.mark.parametrize("words", ALL_COMMANDS, ids=" ".join)
def test_help_fits_80_columns(words, monkeypatch):
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 80)
    output = invoke(*words, "--help").output
    assert max(map(len, output.splitlines())) <= 80
    assert "```" not in output
    assert "<bool>" not in output, "a flag takes no value"
    for line in examples(ALL_COMMANDS[words]):
        assert line in output, "an example must not be folded"


def test_every_command_is_on_a_named_panel():
    assert "─ Commands ─" not in invoke("--help").output


def test_version_is_the_package_version():
    assert invoke("--version").stdout == f"extrapolab {metadata.version('extrapolab')}\n"


def test_unreachable_lab_ends_with_exit_code_3_and_advice(unused_url):
    result = invoke("--url", unused_url, "list")
    assert result.exit_code == ExitCode.UNREACHABLE == 3
    assert result.stdout == ""
    assert unused_url in result.stderr
    assert "extrapolab up" in result.stderr


def test_url_is_read_from_the_environment(unused_url):
    assert unused_url in invoke("workers", env={"EXTRAPOLAB_URL": unused_url}).stderr


@pytest.mark.parametrize(
    "words", ["list --url U", "sweep --url U list", "sweep list --url=U", "workers drain 1 --url U"]
)
def test_url_is_taken_after_the_command_too(words, unused_url):
    elsewhere = {"EXTRAPOLAB_URL": "http://127.0.0.1:1"}
    result = invoke(*words.replace("U", unused_url).split(), env=elsewhere)
    assert unused_url in result.stderr
    assert result.exit_code == ExitCode.UNREACHABLE


def test_json_before_the_command_is_refused_where_it_has_none():
    result = invoke("--json", "completion", "bash")
    assert result.exit_code == ExitCode.USAGE
    assert "'completion' has no --json" in unboxed(result.stderr)


@pytest.mark.parametrize(
    ("options", "answer", "code"),
    [((), b"n\n", ExitCode.FAILED), ((), b"y\n", ExitCode.UNREACHABLE), (("--yes",), b"", 3)],
)
def test_on_a_terminal_deleting_asks_first(options, answer, code, unused_url):
    keyboard, terminal = os.openpty()
    os.write(keyboard, answer)
    command = [EXTRAPOLAB, "delete", "exp_1", "--url", unused_url, *options]
    result = subprocess.run(command, stdin=terminal, capture_output=True, text=True, check=False)
    os.close(keyboard)
    os.close(terminal)
    assert result.returncode == code
    assert ("Delete exp_1 with all results" in result.stderr) == bool(answer)
    assert ("Nothing was deleted." in result.stderr) == (code == ExitCode.FAILED)


def test_malformed_url_is_a_usage_error():
    result = invoke("--url", "localhost:8000", "list")
    assert result.exit_code == ExitCode.USAGE
    assert "http://host:port" in result.stderr


def test_every_file_is_checked_before_the_lab_is_contacted(tmp_path, unused_url):
    contents = {"good.json": VALID_SPEC, "bad.json": INVALID_SPEC, "worse.json": {"teacher": 3}}
    paths = [tmp_path / name for name in contents]
    for path in paths:
        path.write_text(json.dumps(contents[path.name]))
    result = invoke("--url", unused_url, "submit", *paths)
    assert result.exit_code == ExitCode.REFUSED
    assert f"{paths[1]} is not a valid experiment:\n  training.length: should be" in result.stderr
    assert f"{paths[2]} is not a valid experiment:" in result.stderr
    assert "good.json" not in result.stderr
    assert unused_url not in result.stderr


def test_missing_file_is_a_usage_error(tmp_path):
    result = invoke("submit", tmp_path / "nothing.json")
    assert result.exit_code == ExitCode.USAGE
    assert "nothing.json can't be read" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("list", "--limit", "many"), "'--limit': should be a whole number"),
        (("list", "--limit", "0"), "'--limit': should be at least 1"),
        (("demo", "--size", "huge"), "'--size': 'huge' is not one of"),
    ],
)
def test_wrong_option_is_explained_in_plain_words(arguments, message):
    result = invoke(*arguments)
    assert result.exit_code == ExitCode.USAGE
    assert message in unboxed(result.stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        ("figure", "exp_1", "response"),
        ("sweep", "figure", "swp_1", "lines"),
        ("study", "figure", "balanced"),
        ("recipe", "draw", "tag:a", "x=lag"),
        ("export", "tag:a"),
    ],
)
def test_output_file_needs_an_extension(unused_url, arguments):
    result = invoke("--url", unused_url, *arguments, "-o", "picture")
    assert result.exit_code == ExitCode.USAGE
    assert "needs an extension" in unboxed(result.stderr)


@pytest.fixture
def with_plugins(tmp_path):
    """Runs the command line with two plugins: one whose packages are missing, one that works."""
    plugins = {"rich_plugin": "import a_library_that_is_not_here", "plain_plugin": ""}
    for plugin, code in plugins.items():
        (tmp_path / f"{plugin}.py").write_text(
            f"{code}\nimport typer\napp = typer.Typer()\n"
            "@app.command()\ndef greet(): typer.echo('hello')\n"
        )
        info = tmp_path / f"{plugin}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {plugin}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{PLUGINS}]\n{plugin} = {plugin}:app\n")

    def run(*arguments):
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path.cwd())]),
        }
        command = [sys.executable, "-m", "extrapolab", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


def test_commands_of_plugins_are_added(with_plugins):
    assert with_plugins("greet").stdout == "hello\n"
    assert "greet" in with_plugins("--help").stdout


def test_plugin_without_its_packages_is_named_with_the_remedy(with_plugins):
    result = with_plugins("fly")
    assert result.returncode == ExitCode.USAGE
    message = unboxed(result.stderr)
    assert "No such command 'fly'" in message
    assert "The commands of 'rich_plugin' need more packages: pip install 'extrapolab[all]'" in (
        message
    )
    assert "a_library_that_is_not_here" in message

"""Specs to begin with, written by the command line without a lab."""

import inspect
import json
import os
import pty
import subprocess
import sys

import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from core.spec import ExperimentSpec, SweepSpec
from core.spec.commented import commented_yaml, plain_yaml
from core.spec.examples import EXAMPLE, PARTS, SWEEP_EXAMPLE, kinds
from core.spec.schema import SWEEP, part_schema
from core.studies import STUDIES
from core.warnings import warnings
from extrapolab.cli.app import app
from extrapolab.cli.exit_codes import ExitCode
from extrapolab.cli.questions import QUESTIONS, Unclear
from extrapolab.cli.spec_files import read_spec, read_sweep
from service.pages.spec_form.presets import PRESETS
from tests.kit.pages import ROOT, blocks

NAMES = [f"{part}.{kind}" for part in PARTS for kind in kinds(part)]


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("name", NAMES)
def test_the_file_of_every_kind_is_valid_and_says_what_each_field_means(tmp_path, name):
    path = tmp_path / f"{name.replace('.', '-')}.yaml"
    assert invoke("init", name, "--folder", tmp_path).stdout == f"{path}\n"
    spec = ExperimentSpec.model_validate(read_spec(str(path)).content)
    part, kind = name.split(".")
    assert getattr(spec, part).kind == kind
    assert warnings(spec) == []
    lines = path.read_text().splitlines()
    assert max(map(len, lines)) <= 100
    properties = part_schema(name)["properties"]
    start = lines.index(f"{part}:")
    for field in properties:
        at = next(i for i in range(start, len(lines)) if lines[i].startswith(f"  {field}:"))
        assert lines[at - 1].startswith("  # ")


@pytest.mark.parametrize("study", STUDIES.values(), ids=lambda study: study.name)
def test_the_file_of_every_arm_of_a_study_is_valid(study):
    for sweep in study.arms("quick").values():
        content = sweep.model_dump(mode="json", include={"name", "base", "axes"})
        read = yaml.safe_load(commented_yaml(content, ["An arm."]))
        assert SweepSpec.model_validate(read) == SweepSpec.model_validate(content)


def test_a_file_that_is_there_is_kept_unless_forced(tmp_path):
    path = tmp_path / "optimizer-adam.yaml"
    path.write_text("mine")
    refused = invoke("init", "adam", "--folder", tmp_path)
    assert refused.exit_code == ExitCode.USAGE
    assert "--force" in refused.stderr
    assert path.read_text() == "mine"
    assert invoke("init", "adam", "--folder", tmp_path, "--force").exit_code == 0
    assert path.read_text() != "mine"


@pytest.mark.parametrize(
    ("name", "words"),
    [("gru", "teacher.gru, student.gru"), ("teacher.dely", "teacher.delay"), ("zzz", "study.NAME")],
)
def test_a_name_that_is_not_clear_is_refused_with_what_there_is(tmp_path, name, words):
    refused = invoke("init", name, "--folder", tmp_path)
    assert refused.exit_code == ExitCode.USAGE
    assert words in " ".join(refused.output.replace("│", " ").split())
    assert [*tmp_path.iterdir()] == []


def test_the_schema_of_each_part_is_found_by_its_path():
    assert json.loads(invoke("schema").stdout)["required"] == ["teacher", "student", "training"]
    momentum = json.loads(invoke("schema", "optimizer.momentum").stdout)
    assert momentum["properties"]["momentum"]["exclusiveMaximum"] == 1
    assert {"Stop", "Rates"} < momentum["$defs"].keys()
    start = json.loads(invoke("schema", "student.start").stdout)
    assert {"LinearStudent", "WarmStart", "ScaledStart"} & start["$defs"].keys() == {
        "WarmStart",
        "ScaledStart",
    }
    assert "axes" in part_schema(SWEEP)["properties"]
    refused = invoke("schema", "student.depth")
    assert refused.exit_code == ExitCode.USAGE
    assert "dim" in refused.output


def test_a_sweep_is_written_with_comments(tmp_path):
    invoke("init", "sweep", "--folder", tmp_path)
    assert read_sweep(str(tmp_path / "sweep.yaml")).content == SWEEP_EXAMPLE


def test_the_readme_and_the_help_show_the_example():
    texts = [block.text for block in blocks(ROOT / "README.md") if block.language == "yaml"]
    assert [yaml.safe_load(text) for text in texts] == [EXAMPLE]
    commands = get_command(app)
    assert plain_yaml(EXAMPLE) in inspect.cleandoc(commands.get_command(None, "submit").help)
    shown = commands.get_command(None, "sweep").help.split("```")[1]
    assert yaml.safe_load(shown) == SWEEP_EXAMPLE


def test_new_asks_until_every_answer_makes_a_valid_spec(tmp_path):
    answers = "rotate\nrotation\nlinear 30\nwarmer\n0.01\n5.5\n7\n2\n"
    printed = on_terminal(tmp_path, answers)
    assert "no kind 'rotate'" in printed
    assert "did you mean 'warm'?" in printed
    assert "it is '5.5'" in printed
    assert "extrapolab submit experiment.yaml --watch" in printed
    spec = ExperimentSpec.model_validate(read_spec(str(tmp_path / "experiment.yaml")).content)
    assert (spec.teacher.kind, spec.student.dim, spec.student.start.scale) == ("rotation", 30, 0.01)
    assert (spec.training.length, spec.seeds, warnings(spec)) == (7, (0, 1), [])


def test_new_takes_the_defaults_of_the_page_by_enter():
    answered = EXAMPLE
    for question in QUESTIONS:
        answered = question.answer(answered, question.default(answered))
    assert answered == EXAMPLE == PRESETS["balanced"].spec


@pytest.mark.parametrize("kind", kinds("teacher"))
@pytest.mark.parametrize("student", kinds("student"))
def test_new_accepts_every_kind_of_teacher_and_student(kind, student):
    spec = EXAMPLE
    for question, answer in zip(QUESTIONS, (kind, student, None, None, None), strict=True):
        spec = question.answer(spec, answer or question.default(spec))
    assert (spec["teacher"]["kind"], spec["student"]["kind"]) == (kind, student)


@pytest.mark.parametrize("size", ["²", "1" * 5000])
def test_new_refuses_a_size_that_is_no_number(size):
    with pytest.raises(Unclear, match="should be a whole number"):
        QUESTIONS[1].answer(EXAMPLE, f"linear {size}")


def test_new_without_a_terminal_or_over_a_file_asks_nothing(tmp_path):
    refused = invoke("new", tmp_path / "experiment.yaml")
    assert refused.exit_code == ExitCode.USAGE
    assert "terminal" in refused.stderr
    assert [*tmp_path.iterdir()] == []
    (tmp_path / "experiment.yaml").write_text("mine")
    assert "--force" in on_terminal(tmp_path, "")
    assert (tmp_path / "experiment.yaml").read_text() == "mine"


def on_terminal(folder, answers):
    """What ``new`` prints on a terminal."""
    ours, theirs = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-m", "extrapolab", "new"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    os.close(theirs)
    os.write(ours, answers.encode())
    printed, _ = program.communicate(timeout=60)
    os.close(ours)
    return printed

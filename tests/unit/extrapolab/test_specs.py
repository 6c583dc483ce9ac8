"""Specs to begin with, written by the command line without a lab."""

import json

import pytest
import yaml
from typer.testing import CliRunner

from core.spec import ExperimentSpec, SweepSpec
from core.spec.commented import commented_yaml
from core.spec.examples import EXAMPLE, PARTS, kinds
from core.spec.schema import SWEEP, part_schema
from core.studies import STUDIES
from core.warnings import warnings
from extrapolab.cli.app import app
from extrapolab.cli.exit_codes import ExitCode
from extrapolab.cli.spec_files import read_spec
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


def test_the_readme_shows_the_example():
    texts = [block.text for block in blocks(ROOT / "README.md") if block.language == "yaml"]
    assert [yaml.safe_load(text) for text in texts] == [EXAMPLE]

"""Spec files: what is read, and how mistakes are reported."""

import io
import json

import pytest
import yaml

from core.spec.examples import EXAMPLE, SWEEP_EXAMPLE
from extrapolab.cli import spec_files

MINIMAL = {
    "teacher": {"kind": "delay"},
    "student": {"kind": "linear", "dim": 8},
    "training": {"length": 6},
}


def write(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_json_file_is_read_as_it_is(tmp_path):
    path = write(tmp_path, "spec.json", json.dumps(MINIMAL))
    assert spec_files.read_spec(path) == spec_files.SpecFile(path, MINIMAL)


def test_yaml_file_is_read_with_the_numbers_of_yaml_1_2(tmp_path):
    text = """
    teacher: {kind: delay}
    student:
      kind: linear
      dim: 8
      start: {scale: 1e-3}
    training: {length: 6}
    optimizer: {lr: 1E-2, steps: 100}
    """
    content = spec_files.read_spec(write(tmp_path, "spec.yaml", text)).content
    assert content["student"]["start"]["scale"] == 0.001
    assert content["optimizer"] == {"lr": 0.01, "steps": 100}


def test_dash_is_standard_input(monkeypatch):
    for text in (
        json.dumps(MINIMAL),
        "{teacher: {kind: delay}, student: {kind: linear, dim: 8}, training: {length: 6}}",
    ):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        if text.startswith("{teacher"):
            with pytest.raises(spec_files.UnreadableFile, match="standard input is not valid JSON"):
                spec_files.read_spec("-")
        else:
            assert spec_files.read_spec("-").content == MINIMAL


def test_every_mistake_is_listed_below_the_name_of_its_file(tmp_path):
    wrong = {**MINIMAL, "teacher": {"kind": "delay", "lags": 3}, "training": {"length": 0}}
    path = write(tmp_path, "wrong.json", json.dumps(wrong))
    with pytest.raises(spec_files.InvalidFile) as caught:
        spec_files.read_spec(path)
    first, *problems = str(caught.value).splitlines()
    assert first == f"{path} is not a valid experiment:"
    assert "teacher.lags: unknown field; did you mean 'lag'?" in problems[0]
    assert "training.length: should be at least 1 (given 0)" in problems[1]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("spec.json", '{"training": {"length": 6}, "training": {"length": 7}}'),
        ("spec.yaml", "training: {length: 6}\ntraining: {length: 7}\n"),
        ("spec.yaml", "training: {length: 6, length: 7}\n"),
    ],
)
def test_duplicate_key_is_refused(tmp_path, name, text):
    with pytest.raises(spec_files.UnreadableFile, match="appears twice"):
        spec_files.read_spec(write(tmp_path, name, text))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("spec.json", '{"teacher": ', "is not valid JSON: line 1, column 13: "),
        (
            "spec.yaml",
            "a: 1\nb: [1,\nc: 2",
            "is not valid YAML: line 3, column 5: expected ',' .* from line 2 on",
        ),
        ("spec.yaml", "a: !!python/object:os.system {}", "is not valid YAML"),
    ],
)
def test_file_that_cannot_be_parsed_is_named_with_the_mistake(tmp_path, name, text, message):
    path = write(tmp_path, name, text)
    with pytest.raises(spec_files.UnreadableFile, match=message) as caught:
        spec_files.read_spec(path)
    assert path in str(caught.value)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(
        spec_files.UnreadableFile, match=r"nowhere\.json can't be read: No such file or directory$"
    ):
        spec_files.read_spec(str(tmp_path / "nowhere.json"))


@pytest.mark.parametrize("text", ["", "[1, 2]", "3", "null"])
def test_file_without_an_object_is_not_an_experiment(tmp_path, text):
    with pytest.raises(spec_files.InvalidFile):
        spec_files.read_spec(write(tmp_path, "spec.yaml", text))


def test_non_finite_number_is_named_by_its_field(tmp_path):
    text = json.dumps({**MINIMAL, "optimizer": {"lr": float("nan")}})
    with pytest.raises(spec_files.InvalidFile, match=r"optimizer\.lr: should be a finite number"):
        spec_files.read_spec(write(tmp_path, "spec.json", text))


@pytest.mark.parametrize("text", ["", "training: {length: 6}"])
def test_a_file_that_lacks_something_is_shown_what_is_meant(tmp_path, text):
    path = write(tmp_path, "spec.yaml", text)
    for read, example in (
        (spec_files.read_spec, EXAMPLE),
        (spec_files.read_sweep, SWEEP_EXAMPLE),
    ):
        with pytest.raises(spec_files.InvalidFile) as caught:
            read(path)
        shown = str(caught.value).partition("A valid ")[2].partition("\n")[2]
        assert yaml.safe_load(shown) == example


def test_a_mistake_in_a_whole_file_is_shown_alone(tmp_path):
    path = write(tmp_path, "spec.json", json.dumps({**MINIMAL, "seeds": 0}))
    with pytest.raises(spec_files.InvalidFile) as caught:
        spec_files.read_spec(path)
    assert "A valid" not in str(caught.value)

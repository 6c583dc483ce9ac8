"""Teachers are shown before any experiment has them."""

import math

import numpy as np
import pytest

from core import teachers
from core.spec import RandomTeacher
from core.systems import impulse_response
from service.intake import teacher_preview


def preview(client, **teacher):
    answer = client.post("/v1/teachers:preview", json={"teacher": teacher, "horizon": 6})
    return answer.status_code, answer.json()


def test_the_response_and_poles_are_those_that_training_sees(client):
    status, shown = preview(client, kind="random", dim=3, seed=4)
    system = teachers.build(RandomTeacher(kind="random", dim=3, seed=4))
    assert (status, shown["note"]) == (200, None)
    np.testing.assert_allclose(shown["response"], impulse_response(system, 6).ravel())
    assert math.hypot(*shown["poles"][0]) == pytest.approx(0.9)
    assert len(shown["hankel_singular_values"]) == 3


def test_several_channels_keep_their_shape(client):
    matrices = {"A": [[0.5]], "B": [[1, 2]], "C": [[1], [1], [1]]}
    response = preview(client, kind="explicit", **matrices)[1]["response"]
    assert np.shape(response) == (6, 3, 2)


@pytest.mark.parametrize(
    ("teacher", "note"),
    [
        ({"kind": "gru", "dim": 3}, teacher_preview.NON_LINEAR),
        ({"kind": "random", "dim": 4096}, teacher_preview.TOO_LARGE),
    ],
)
def test_a_teacher_that_is_not_shown_says_why(client, teacher, note):
    shown = preview(client, **teacher)[1]
    assert (shown["note"], shown["response"], shown["poles"]) == (note, None, [])


@pytest.mark.parametrize(
    ("teacher", "pointer"),
    [
        ({"kind": "delay", "lag": -1}, "/teacher/lag"),
        ({"kind": "explicit", "A": [[1.0]], "B": [[1.0], [1.0]], "C": [[1.0]]}, "/teacher/B"),
    ],
)
def test_mistakes_name_their_fields(client, teacher, pointer):
    status, problem = preview(client, **teacher)
    assert (status, problem["errors"][0]["pointer"]) == (422, pointer)

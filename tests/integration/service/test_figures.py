"""Figures, drawn on request."""

import pytest

from core.figures import FIGURES
from tests.kit import specimens

pytestmark = pytest.mark.filterwarnings("ignore:Glyph .* missing")  # a name may hold what no font does

STARTS = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "json": b"{"}


@pytest.fixture
def completed(submit, desk) -> str:
    path = submit(name="costs $5, or $\\frac{1}{2$ <&> 🚂", notes="n")
    claim = desk.claim()
    desk.complete(claim, points=specimens.points([0, 1, 10, 100], claim.spec.seeds))
    return path


@pytest.mark.parametrize("form", STARTS)
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_every_form_and_the_same_bytes_every_time(client, completed, name, form):
    path = f"{completed}/figures/{name}.{form}"
    first, second = client.get(path), client.get(path)
    assert first.status_code == 200, first.text
    assert first.content.startswith(STARTS[form])
    assert second.content == first.content
    assert client.get(path, headers={"If-None-Match": first.headers["etag"]}).status_code == 304


def test_the_media_types_are_those_of_the_forms(client, completed):
    types = [client.get(f"{completed}/figures/response.{form}").headers["content-type"] for form in STARTS]
    assert types == ["image/svg+xml", "image/png", "application/pdf", "application/json"]


@pytest.mark.parametrize(("name", "told"), [("respnse.svg", "'response'"), ("response.bmp", "svg, png, pdf, json")])
def test_an_unknown_figure_is_not_found_and_the_known_ones_are_named(client, completed, name, told):
    answer = client.get(f"{completed}/figures/{name}")
    assert answer.status_code == 404
    assert told in answer.json()["detail"]


def test_there_is_nothing_to_draw_before_the_end(client, submit):
    assert client.get(f"{submit()}/figures/response.svg").status_code == 409

"""Figures of recipes that can't be drawn are refused with the reason."""

import pytest

from tests.integration.service.saved_figures.recipes import refusal


class TestRefusals:
    def test_a_query_without_completed_experiments(self, preview):
        status, sentence = refusal(preview("svg", query="tag:none"))
        assert status == 409
        assert "completed yet" in sentence

    @pytest.mark.usefixtures("experiments")
    def test_words_on_an_axis_of_numbers(self, preview):
        status, sentence = refusal(preview("svg", x="student.kind"))
        assert status == 409
        assert "numeric axis" in sentence

    def test_too_many_lines(self, client, save, preview, complete):
        for number in range(25):
            complete(2, 1.0 + number / 64)
        status, sentence = refusal(client.get(f"{save()}.svg"))
        assert status == 409
        assert "at most 24" in sentence
        assert preview("svg", kind="heatmap").status_code == 200

    @pytest.mark.usefixtures("experiments")
    def test_an_unknown_format(self, preview):
        assert preview("bmp").status_code == 404

    @pytest.mark.usefixtures("experiments")
    def test_an_unknown_parameter(self, preview):
        assert preview("svg", colour="red").status_code == 422

import pytest

from service.http import etags


def test_an_answer_has_a_tag_of_its_bytes():
    first, same, other = (
        etags.answer(content, "text/plain", None) for content in (b"a", b"a", b"b")
    )
    assert first.headers["etag"] == same.headers["etag"] != other.headers["etag"]


@pytest.mark.parametrize("held", ["{}", "W/{}", '"other", {}', "*", " * "])
def test_a_client_that_holds_the_answer_gets_304_without_it(held):
    etag = etags.of_content(b"content", 3)
    answer = etags.answer(b"content", "text/plain", held.format(etag), 3)
    assert (answer.status_code, answer.body, answer.headers["etag"]) == (304, b"", etag)


@pytest.mark.parametrize("held", [None, "", '"other"', "nonsense", '"'])
def test_a_client_that_holds_another_answer_gets_this_one(held):
    answer = etags.answer(b"content", "text/plain", held)
    assert (answer.status_code, answer.body) == (200, b"content")


@pytest.mark.parametrize(
    ("if_match", "version"),
    [
        (etags.of_content(b"while it ran", 3), 3),
        (etags.of_content(b"when it had ended", 3), 3),
        ("*", 3),
        (f"{etags.of_content(b'', 2)}, {etags.of_content(b'', 3)}", 3),
        (etags.of_content(b"", 2), 2),
        (f"W/{etags.of_content(b'', 3)}", None),
        ('"3"', None),
        ("3", None),
        ("", None),
        (f'"{10**30}.a"', None),
    ],
)
def test_a_change_is_of_the_version_in_its_tag_whatever_else_has_changed(if_match, version):
    assert etags.version_to_change(if_match, 3) == version

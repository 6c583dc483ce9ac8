"""Entity tags: conditional answers and edits."""

import pytest

from service.http import etags


def test_the_tag_of_an_answer_depends_on_its_bytes():
    first, same, other = (
        etags.answer(content, "text/plain", None) for content in (b"a", b"a", b"b")
    )
    assert first.headers["etag"] == same.headers["etag"] != other.headers["etag"]


@pytest.mark.parametrize("if_none_match", ["{}", "W/{}", '"other", {}', "*", " * "])
def test_a_client_with_a_current_copy_gets_304_without_content(if_none_match):
    etag = etags.of_content(b"content", 3)
    answer = etags.answer(b"content", "text/plain", if_none_match.format(etag), 3)
    assert (answer.status_code, answer.body, answer.headers["etag"]) == (304, b"", etag)


@pytest.mark.parametrize("if_none_match", [None, "", '"other"', "nonsense", '"'])
def test_a_client_without_a_current_copy_gets_the_content(if_none_match):
    answer = etags.answer(b"content", "text/plain", if_none_match)
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
def test_an_edit_names_a_version_whatever_the_rest_of_the_tag(if_match, version):
    assert etags.version_to_change(if_match, 3) == version

"""The log of the API's process."""

import re

import httpx2

from tests.integration.service.process import served


def test_every_line_is_in_one_format_and_those_of_a_request_have_its_id(tmp_path):
    with served(f"postgresql://nobody@/none?host={tmp_path}") as service:
        answer = httpx2.get(f"{service.url}/v1/workers", headers={"X-Request-Id": "my-request"})
        assert answer.status_code == 503
    lines = [line for line in service.log if re.match(r"\d{4}-", line)]
    prefix = rf"\S+Z (INFO|WARNING|ERROR) api\[{service.pid}\] (\w+=\S+ )*[\w.]+: .*"
    assert all(re.fullmatch(prefix, line) for line in lines)
    assert any("request=my-request service.http.problems: database" in line for line in lines)
    assert any("uvicorn.error: Shutting down" in line for line in lines)

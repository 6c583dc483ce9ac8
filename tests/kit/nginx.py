"""A real nginx in front of a lab."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_CONFIGURATION = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location /lab/ {{
            proxy_pass {upstream};
            proxy_http_version 1.1;
            proxy_buffering off;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto https;
        }}
    }}
}}
"""


def program() -> str:
    """The nginx program; skips, or in CI fails, if there is none."""
    found = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if found is None and os.environ.get("CI"):
        pytest.fail("CI must test the lab behind a proxy: there is no nginx")
    if found is None:
        pytest.skip("no nginx: proxies are NOT tested here; install Debian's `nginx-light`")
    return found


@contextmanager
def nginx(folder: Path, upstream: str) -> Iterator[str]:
    """Serves ``upstream`` at ``/lab/`` and gives the address; a slash at its end takes it away."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    file = folder / "nginx.conf"
    file.write_text(_CONFIGURATION.format(folder=folder, port=port, upstream=upstream))
    command = [program(), "-p", str(folder), "-c", str(file)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            while True:
                assert process.poll() is None
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionRefusedError:
                    time.sleep(0.02)
            yield f"http://127.0.0.1:{port}/lab"
        finally:
            process.terminate()
            process.wait()

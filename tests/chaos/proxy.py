"""A cable between the clients and a lab that can be cut: connections end in the middle."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: closing a socket resets its connection."""


class Cable:
    """Passes connections on to the address of a lab while it is not cut."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url).hostname, urlsplit(url).port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock, self._open, self._sockets = threading.Lock(), True, set[socket.socket]()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Resets every connection, and refuses others until the context ends."""
        with self._lock:
            self._open = False
            for end in self._sockets:
                _reset(end)
            self._sockets.clear()
        yield
        with self._lock:
            self._open = True

    def close(self) -> None:
        """Ends all connections and takes no more."""
        with self.cut():
            self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                lab = self._connect() if self._open else None
                if lab is None:
                    _reset(client)
                    continue
                self._sockets |= {client, lab}
            threading.Thread(target=self._connected, args=(client, lab), daemon=True).start()

    def _connect(self) -> socket.socket | None:
        with contextlib.suppress(OSError):
            return socket.create_connection(self._target, timeout=None)
        return None

    def _connected(self, client: socket.socket, lab: socket.socket) -> None:
        answers = threading.Thread(target=_pass, args=(lab, client), daemon=True)
        answers.start()
        _pass(client, lab)
        answers.join()
        with self._lock:
            self._sockets -= {client, lab}
        client.close()
        lab.close()


def _pass(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            sink.sendall(part)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        end.shutdown(socket.SHUT_RDWR)
    end.close()

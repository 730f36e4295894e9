"""A listener that shows a host's certificate of yesterday to whoever comes, and does nothing else.

What belongs here: the handshake. What does not: certificates (`credentials`). No daemon can be made to do this: libvirtd refuses
to start with a certificate that has expired (virNetTLSContextCheckCertTimes). A client that goes on all the same finds its
connection closed.
"""

import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from virtproof.lanes.containers.options import LOOPBACK

_SECONDS: Final = 10.0


class ExpiredDoor:
    """Listens on the loopback from the start until it is closed; `address` is where."""

    def __init__(self, pki: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pki / "clientcert.pem", pki / "clientkey.pem")
        self._listener = socket.create_server((LOOPBACK, 0))
        self.address: tuple[str, int] = (LOOPBACK, int(self._listener.getsockname()[1]))
        self._thread = threading.Thread(target=self._serve, name="virtproof-lane-expired-door", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it; returns once its thread has ended."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # accept(2) returns from it; close(2) alone would leave it waiting
        self._thread.join(_SECONDS)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, suppress(OSError):
                client.settimeout(_SECONDS)
                self._context.wrap_socket(client, server_side=True).close()

"""The world of a case that freezes, stops, kills or cuts: a daemon for itself, behind a proxy that only the driver uses.

What belongs here: putting daemon, proxy and observer together. What does not: any of the three. The observer goes past the proxy,
so that a cut severs only the driver, and holds the daemon's host meanwhile (`test_rpc` says why it must be held). A daemon that
ended took its host along: after `start` there is a new one, without the case's instances.
"""

from virtproof.lanes.daemon import PrivateDaemon
from virtproof.lanes.forwarder import Forwarder
from virtproof.lanes.inhabited import inhabit
from virtproof.lanes.model import DaemonControl, GuestControl, SecondHost, Ways
from virtproof.lanes.smallest import smallest
from virtproof.lanes.standing import OnDemand
from virtproof_driver.binding import Connection
from virtproof_driver.spec import InstanceSpec


class ExclusiveWorld:
    """A case's own daemon. It is its own DaemonControl; `uri` leads through the proxy, `observed` past it."""

    def __init__(self, uri: str, daemon: PrivateDaemon, forwarder: Forwarder, *, observed: str) -> None:
        self.uri = uri
        self._daemon = daemon
        self._forwarder = forwarder
        self._observer = OnDemand(observed)

    @property
    def daemon(self) -> DaemonControl | None:
        return self

    @property
    def guests(self) -> GuestControl | None:
        return None

    @property
    def ways(self) -> Ways | None:
        return None

    @property
    def destination(self) -> SecondHost | None:
        return None

    @property
    def shared(self) -> bool:
        return True

    def observer(self, of_driver: Connection | None) -> Connection:
        """The connection past the proxy; a new one when the daemon ended meanwhile, so ask again after `start`."""
        del of_driver
        return self._observer.connection()

    def small(self, name: str, index: int, guest: str | None = None) -> InstanceSpec:
        return smallest("TEST", name, index, guest=guest)

    def authenticated(self) -> tuple[str, str, str] | None:
        return None

    def inhabited(self, spec: InstanceSpec) -> str:
        inhabit(self.observer(None), spec)
        return self.uri

    # --- DaemonControl ------------------------------------------------------------------------------

    def freeze(self) -> None:
        self._daemon.freeze()

    def thaw(self) -> None:
        self._daemon.thaw()

    def kill(self) -> None:
        self._daemon.kill()
        self._down()

    def stop(self) -> None:
        self._daemon.stop()
        self._down()

    def start(self) -> None:
        if not self._daemon.runs:
            self._daemon.start()
            self.observer(None)
            self._forwarder.accept()

    def restart(self) -> None:
        self.stop()
        self.start()

    def cut(self) -> None:
        self._forwarder.refuse()

    def mend(self) -> None:
        if self._daemon.runs:
            self._forwarder.accept()

    def close(self) -> None:
        """End daemon and proxy, whatever state the case left them in."""
        self._daemon.close()
        self._down()
        self._forwarder.close()

    def _down(self) -> None:
        """The daemon is gone: so is what was connected to it, and connecting fails at once."""
        self._forwarder.refuse()
        self._observer.close()

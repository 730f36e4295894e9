"""How soon a change reaches the driver's listener, against a loop that reads the state every half a second.

What belongs here: one changer, and three who notice: the driver's listener, a bare libvirt callback, and the polling loop that
drivers have where they have no events. All notice the same changes. The pauses between changes are random, so that no phase of
the loop is favoured.
"""

import queue
import random
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from ci.bench.figures import Figure, Ratio, Results, median, percentile
from ci.bench.hosts import WORKER, Host
from virtproof.lanes.smallest import smallest
from virtproof_driver import connect
from virtproof_driver.binding import Connection, Domain
from virtproof_driver.constants import DomainEventId
from virtproof_driver.spec import InstanceSpec

POLL_SECONDS = 0.5
CHANGES = 24
PATIENCE_SECONDS = 10.0
SEED = 20

Noticed = queue.SimpleQueue[float]


class Poller(threading.Thread):
    """Reads a domain's state every half a second and tells when it changed."""

    def __init__(self, connection: Connection, spec: InstanceSpec) -> None:
        super().__init__(name="bench-poller", daemon=True)
        self.noticed = Noticed()
        self.ended = threading.Event()
        self._domain = connection.lookupByUUIDString(str(spec.uuid))

    def run(self) -> None:
        known = self._domain.state()[0]
        while not self.ended.wait(POLL_SECONDS):
            state = self._domain.state()[0]
            if state != known:
                self.noticed.put(time.monotonic())
            known = state


def measure(host: Host) -> Results:
    """Latencies of each of the three over the same changes."""
    connection = host.binding.open(host.uri)
    spec = smallest("TEST", f"{WORKER.prefix}latency", 0)
    try:
        with connect(host.uri) as driver:
            driver.spawn(spec)
            listener = Noticed()
            subscription = driver.subscribe(lambda _: listener.put(time.monotonic()), uuid=spec.uuid)
            with callback(connection, spec) as called, polling(connection, spec) as polled:
                noticed = {"driver's listener": listener, "bare libvirt callback": called, "polling every 0.5 s": polled}
                latencies = change_often(connection.lookupByUUIDString(str(spec.uuid)), noticed)
            subscription.close()
            driver.destroy(spec.uuid)
    finally:
        connection.close()
    return results(host.name, latencies)


@contextmanager
def callback(connection: Connection, spec: InstanceSpec) -> Generator[Noticed]:
    """When a callback without any driver is called."""
    called = Noticed()
    domain = connection.lookupByUUIDString(str(spec.uuid))
    number = connection.domainEventRegisterAny(domain, DomainEventId.LIFECYCLE, lambda *_: called.put(time.monotonic()), None)
    try:
        yield called
    finally:
        connection.domainEventDeregisterAny(number)


@contextmanager
def polling(connection: Connection, spec: InstanceSpec) -> Generator[Noticed]:
    """When a polling loop notices."""
    poller = Poller(connection, spec)
    poller.start()
    try:
        yield poller.noticed
    finally:
        poller.ended.set()
        poller.join(PATIENCE_SECONDS)


def change_often(domain: Domain, noticed: Mapping[str, Noticed]) -> dict[str, list[float]]:
    """Pause and continue the domain in turn; the seconds from just before the call to each one's notice."""
    phases = random.Random(SEED)  # noqa: S311 - a phase, not a secret
    latencies: dict[str, list[float]] = {name: [] for name in noticed}
    for number in range(CHANGES):
        time.sleep(phases.uniform(0, POLL_SECONDS))
        start = time.monotonic()
        if number % 2:
            domain.resume()
        else:
            domain.suspend()
        for name, times in noticed.items():
            latencies[name].append(times.get(timeout=PATIENCE_SECONDS) - start)
    return latencies


def results(host: str, latencies: Mapping[str, list[float]]) -> Results:
    """Medians and 90th percentiles of each, and the loop's and the callback's medians beside the listener's."""
    figures = [
        Figure(
            benchmark="event latency",
            host=host,
            subject=subject,
            quantity=quantity,
            value=1000 * value,
            unit="ms",
            samples=len(values),
        )
        for subject, values in latencies.items()
        for quantity, value in (("median", median(values)), ("90th percentile", percentile(values, 90)))
    ]
    ours, bare, polled = (median(values) for values in latencies.values())
    return Results(
        figures=tuple(figures),
        ratios=(
            Ratio(benchmark="event latency", host=host, quantity="driver's listener / bare callback", value=ours / bare),
            Ratio(benchmark="event latency", host=host, quantity="polling / driver's listener", value=polled / ours),
        ),
    )

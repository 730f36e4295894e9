"""Probes: every capability has one, the manifests that ship are true, and each lie is found."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count

import pytest

from virtproof.backends import load
from virtproof.lanes import Lane, Worker, provision
from virtproof.probes import PROBES, Answer, Bench, Finding, Outcome, Probe, ask_driver, ask_libvirt, disagreement
from virtproof.probes.bench import Broken, Connect
from virtproof.probes.model import Refused, is_refusal
from virtproof_driver import Capability, connect
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.driver import LibvirtDriver
from virtproof_driver.errors import NotSupported

WORKER = Worker(run="0a1b2c", name="gw0", prefix="vp-0a1b2c-gw0-")
WORKS, REFUSED, BROKEN = Outcome(answer=Answer.WORKS), Outcome(answer=Answer.REFUSED), Outcome(answer=Answer.BROKEN)


class NotSupportedByThem(Exception):
    """A foreign driver's error, of a class whose name is not ours."""


NotSupportedByUs = type("NotSupported", (Exception,), {})


class Empty:
    """A foreign driver that claims nothing and has no method at all."""

    capabilities: frozenset[Capability] = frozenset()


def connecting(uri: str, drivers: ExitStack) -> Connect:
    """Connects as the suite does: what is connected is closed with the stack."""
    default = uri

    def make(uri: str | None = None, **options: object) -> ComputeDriver:
        made = connect(uri or default, **options)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        return drivers.enter_context(made)

    return make


@pytest.fixture(scope="module")
def lane() -> Iterator[Lane]:
    made = provision(load("test"), "in-process", WORKER)
    yield made
    made.close()


@pytest.fixture
def bench(lane: Lane) -> Iterator[Bench]:
    numbers = count(1)
    with lane.open_case(exclusive=False) as world, connect(world.uri) as driver, ExitStack() as drivers:
        assert isinstance(driver, LibvirtDriver)
        yield Bench(
            driver=driver,
            connect=connecting(world.uri, drivers),
            host=driver.link.connection,
            small=lambda: world.small(f"{WORKER.prefix}{next(numbers)}", 1),
            names=lambda hint: f"{WORKER.prefix}{hint}-{next(numbers)}",
            daemon=None,
            authenticated=world.authenticated,
            ways=world.ways,
        )
        left = driver.link.connection()
        assert list(left.listAllDomains()) == []
        assert [each.name() for each in left.listAllNetworks()] == ["default"]
        assert [each.name() for each in left.listAllStoragePools()] == ["default"]


def with_driver(bench: Bench, driver: object) -> Bench:
    return Bench(
        driver=driver,  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        connect=bench.connect,
        host=bench.host,
        small=bench.small,
        names=bench.names,
        daemon=None,
        authenticated=bench.authenticated,
        ways=bench.ways,
    )


def test_every_capability_has_a_probe() -> None:
    assert set(PROBES) == set(Capability)


@pytest.mark.parametrize("capability", Capability)
def test_manifest_driver_and_libvirt_agree_and_nothing_is_left(capability: Capability, bench: Bench, lane: Lane) -> None:
    declared = capability not in lane.backend.refusals(lane.versions)
    finding = Finding(
        declared=declared,
        claimed=capability in bench.driver.capabilities,
        reference=True,
        driver=ask_driver(PROBES[capability], bench),
        libvirt=ask_libvirt(PROBES[capability], bench),
    )
    assert disagreement(finding) == ""
    assert finding.claimed is declared
    assert finding.driver.answer is (Answer.WORKS if declared else Answer.REFUSED)
    assert finding.libvirt is None or finding.libvirt.answer is finding.driver.answer


@pytest.mark.parametrize("capability", [each for each in Capability if PROBES[each].methods])
def test_a_driver_without_the_methods_refuses(capability: Capability, bench: Bench) -> None:
    outcome = ask_driver(PROBES[capability], with_driver(bench, Empty()))
    assert outcome == Outcome(answer=Answer.REFUSED, detail=f"the driver has no method {PROBES[capability].methods[0]}()")


def test_a_factory_without_the_option_refuses(bench: Bench, lane: Lane) -> None:
    def bare(uri: str | None = None, **options: object) -> ComputeDriver:
        if options:
            raise TypeError("unexpected keyword argument 'read_only'")
        return bench.driver

    foreign = Bench(
        driver=bench.driver,
        connect=bare,
        host=bench.host,
        small=bench.small,
        names=bench.names,
        daemon=None,
        authenticated=bench.authenticated,
        ways=bench.ways,
    )
    for capability in (Capability.CONNECTION_READ_ONLY, Capability.CONNECTION_AUTH):
        outcome = ask_driver(PROBES[capability], foreign)
        assert outcome.answer is Answer.REFUSED
        assert "the driver's factory takes no" in outcome.detail


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (Refused("no"), True),
        (NotSupported(Capability.PAUSE, "no"), True),
        (NotImplementedError(), True),
        (NotSupportedByUs(), True),
        (NotSupportedByThem(), False),
        (Broken("no"), False),
        (AttributeError("x"), False),
        (RuntimeError(), False),
    ],
)
def test_what_counts_as_a_refusal(error: Exception, refusal: bool, bench: Bench) -> None:
    def ask(_bench: Bench) -> None:
        raise error

    probe = Probe(through=ask, bare=ask)
    assert is_refusal(error) is refusal
    assert ask_driver(probe, bench).answer is (Answer.REFUSED if refusal else Answer.BROKEN)
    libvirt = ask_libvirt(probe, bench)
    assert libvirt is not None
    assert libvirt.answer is Answer.REFUSED


def test_what_libvirt_cannot_be_asked_is_not_known(bench: Bench) -> None:
    assert ask_libvirt(Probe(through=lambda _bench: None), bench) is None


def found(declared: str, claimed: str, driver: Outcome, libvirt: Outcome | None = None, *, reference: bool = False) -> Finding:
    return Finding(
        declared=declared == "supported", claimed=claimed == "claimed", reference=reference, driver=driver, libvirt=libvirt
    )


AGREE = {
    "the reference claims it and it works": found("supported", "claimed", WORKS, WORKS, reference=True),
    "a foreign driver claims it and it works": found("supported", "claimed", WORKS),
    "a foreign driver leaves it out": found("supported", "left out", REFUSED, WORKS),
    "both refuse": found("unsupported", "left out", REFUSED, REFUSED, reference=True),
    "refused, and libvirt cannot be asked": found("unsupported", "left out", REFUSED, reference=True),
    "a foreign driver claims it elsewhere": found("unsupported", "claimed", REFUSED, REFUSED),
}
DISAGREE = {
    "declared supported, but the probe found that it is refused": found("supported", "claimed", REFUSED, reference=True),
    "declared supported, but the probe found that it is refused (": found(
        "supported", "left out", Outcome(answer=Answer.REFUSED, detail="no"), reference=True
    ),
    "declared supported, but the probe found that it is broken": found("supported", "claimed", BROKEN),
    "the driver does not claim it, but the probe found that it works": found("supported", "left out", WORKS),
    "the driver does not claim it, but the probe found that it is broken": found("supported", "left out", BROKEN),
    "declared unsupported, but the probe found that it works": found("unsupported", "left out", WORKS, reference=True),
    "declared unsupported, but the probe found that it is broken": found("unsupported", "left out", BROKEN),
    "declared unsupported, but libvirt does it": found("unsupported", "left out", REFUSED, WORKS, reference=True),
}


@pytest.mark.parametrize("finding", AGREE.values(), ids=AGREE.keys())
def test_what_agrees(finding: Finding) -> None:
    assert disagreement(finding) == ""


@pytest.mark.parametrize(("told", "finding"), DISAGREE.items(), ids=DISAGREE.keys())
def test_what_does_not_agree_is_told_with_a_remedy(told: str, finding: Finding) -> None:
    assert disagreement(finding).startswith(told)
    assert ";" in disagreement(finding)

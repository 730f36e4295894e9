"""Inventory: which instances there are, what they are like and how they are, beside what the host says past the driver.

What belongs here: cases whose ids begin with `inventory`. What does not: counters (`test_diagnostics`), and what is left of an
instance that was destroyed (`test_leftovers`).
"""

import threading
from collections.abc import Callable, Collection
from uuid import UUID

import pytest

from virtproof.case_context import CaseContext
from virtproof.cases import Level, case
from virtproof.evidence import Kind
from virtproof.fixtures import Small
from virtproof.foreign import foreign_domain, foreign_xml
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH, SPAWNED
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import InstanceNotFound
from virtproof_driver.markup.domain import normalised
from virtproof_driver.spec import InstanceSpec, MetadataElement
from virtproof_driver.values import Instance, PowerState

LISTED = frozenset({Capability.INVENTORY})
FEW, MANY = 5, 25
ROUNDS = 40


def own(driver: ComputeDriver, world: World) -> list[tuple[str, PowerState]]:
    """Name and state of each instance that bears the worker's prefix, as the driver lists them."""
    return [(one.name, one.state) for one in driver.instances() if one.name.startswith(world.prefix)]


def calls_of(context: CaseContext, own: Collection[str], operation: Callable[[], object]) -> int:
    """How many libvirt calls the driver makes for an operation, those about domains that are not the case's own left out."""
    before = len(context.recorder.records(Kind.CALL))
    operation()
    made = context.recorder.records(Kind.CALL)[before:]
    return sum(call.data["object"] != "Domain" or call.data["key"] in own for call in made)


@case(
    "inventory.list.complete",
    Level.MUST,
    requirement="instances() lists every domain of the host once, and nothing else.",
    source="virConnectListAllDomains",
    since="1.0",
    needs=SPAWNED,
)
def test_every_domain_once(driver: ComputeDriver, small: Small, world: World, virtproof_case: CaseContext) -> None:
    def there() -> set[UUID]:
        return {UUID(domain.UUIDString()) for domain in world.connection.listAllDomains()}

    assert own(driver, world) == []
    specs = [small() for _ in range(3)]
    for spec in specs:
        driver.spawn(spec, start=False)
    before, listed, after = there(), driver.instances(), there()  # other workers' domains may come and go meanwhile
    uuids = [one.uuid for one in listed]
    assert sorted(uuids) == sorted(set(uuids))
    assert {spec.uuid for spec in specs} <= before & after <= set(uuids)
    assert {one.uuid for one in listed if virtproof_case.recorder.concerns(one.name)} <= before | after


@case(
    "inventory.list.states",
    Level.MUST,
    requirement="Each instance is listed with the state that it has, as instance() gives it.",
    source="virDomainGetState; a paused domain is active",
    since="1.0",
    needs=SPAWNED | {Capability.PAUSE},
)
def test_states_are_true(driver: ComputeDriver, small: Small) -> None:
    running, paused, off = (driver.spawn(small(), start=start) for start in (True, True, False))
    driver.pause(paused.uuid)
    listed = {one.uuid: one for one in driver.instances()}
    expected = {running.uuid: PowerState.RUNNING, paused.uuid: PowerState.PAUSED, off.uuid: PowerState.OFF}
    assert {uuid: listed[uuid].state for uuid in expected} == expected
    assert [listed[uuid] for uuid in expected] == [driver.instance(uuid) for uuid in expected]


@case(
    "inventory.list.foreign",
    Level.MUST,
    requirement="Domains that another client made are listed with their true states, transient ones too.",
    source="driver contract: instances() lists every domain of the host; virDomainCreateXML makes transient ones",
    since="1.0",
    needs=LISTED,
)
@pytest.mark.parametrize("kind", ["running", "off", "transient"])
def test_foreign_domains(driver: ComputeDriver, small: Small, world: World, kind: str) -> None:
    spec = small()
    with foreign_domain(world, spec, start=kind == "running", transient=kind == "transient"):
        expected = PowerState.OFF if kind == "off" else PowerState.RUNNING
        found = driver.instance(spec.uuid)
        assert (found.uuid, found.name, found.state) == (spec.uuid, spec.name, expected)
        assert own(driver, world) == [(spec.name, expected)]


@case(
    "inventory.transient.ended",
    Level.MUST,
    requirement="A transient domain that stops is gone: it is no longer listed, and asking for it is InstanceNotFound.",
    source="virDomainDestroy: a transient domain is removed with its end; a handle of it answers 42",
    since="1.0",
    needs=LISTED,
)
def test_a_transient_domain_that_ended(driver: ComputeDriver, small: Small, world: World) -> None:
    spec = small()
    with foreign_domain(world, spec, transient=True) as domain:
        assert driver.instance(spec.uuid).state is PowerState.RUNNING
        domain.destroy()
        with pytest.raises(InstanceNotFound):
            driver.instance(spec.uuid)
        assert own(driver, world) == []


@case(
    "inventory.vanishing",
    Level.MUST,
    requirement="A domain that goes while instances are listed is left out; listing never fails for it, and misses no other.",
    source="nova commit 32c10850ae; an outage's transient domain was in the list and answered 42 (measured, libvirt 9.0.0)",
    since="1.0",
    needs=SPAWNED,
)
def test_domains_come_and_go_while_listing(driver: ComputeDriver, off_instance: Instance, small: Small, world: World) -> None:
    enough = threading.Event()
    specs = [small() for _ in range(FEW)]

    def churn() -> None:
        while not enough.is_set():
            for spec in specs:
                with foreign_domain(world, spec, start=False):
                    pass

    other_client = threading.Thread(target=churn, name="another-client")
    other_client.start()
    try:
        lists = [[one.uuid for one in driver.instances()] for _ in range(ROUNDS)]
    finally:
        enough.set()
        other_client.join()
    assert all(off_instance.uuid in uuids for uuids in lists)
    assert own(driver, world) == [(off_instance.name, PowerState.OFF)]


@case(
    "inventory.vanishing.between",
    Level.MUST,
    requirement="A domain that goes right after the host has listed it does not make listing fail, and no other is left out.",
    source="virConnectListAllDomains: a domain may go after the call returned; error 42 from then on",
    since="1.0",
    needs=SPAWNED,
)
def test_a_domain_goes_right_after_it_was_listed(
    driver: ComputeDriver, off_instance: Instance, small: Small, world: World, faults: Faults
) -> None:
    with foreign_domain(world, small(), start=False) as going:
        faults.after("listAllDomains", lambda: going.undefineFlags(0))
        assert off_instance.uuid in {one.uuid for one in driver.instances()}
    assert own(driver, world) == [(off_instance.name, PowerState.OFF)]


@case(
    "inventory.gone",
    Level.MUST,
    requirement="An instance that another client removed is neither listed nor found, though the driver knew it.",
    source="libvirt error 42 (VIR_ERR_NO_DOMAIN) from a handle that is stale",
    since="1.0",
    needs=SPAWNED,
)
def test_removed_by_another_client(driver: ComputeDriver, off_instance: Instance, world: World) -> None:
    assert driver.instance(off_instance.uuid) == off_instance
    domain = world.domain(off_instance.uuid)
    assert domain is not None
    domain.undefineFlags(0)
    with pytest.raises(InstanceNotFound) as refused:
        driver.instance(off_instance.uuid)
    assert refused.value.key == str(off_instance.uuid)
    assert own(driver, world) == []


@case(
    "inventory.recreated",
    Level.MUST,
    requirement="A domain that another client removed and defined anew under the same UUID is found as it is now.",
    source="virDomainUndefine and virDomainDefineXML; a client's handle keeps the name that it was looked up with",
    since="1.0",
    needs=LISTED,
)
def test_defined_anew_by_another_client(driver: ComputeDriver, small: Small, world: World) -> None:
    first = small()
    for spec in (first, *(small(uuid=first.uuid) for _ in range(FEW))):
        with foreign_domain(world, spec, start=False):
            assert driver.instance(first.uuid).name == spec.name
            assert own(driver, world) == [(spec.name, PowerState.OFF)]


@case(
    "inventory.unknown",
    Level.MUST,
    requirement="An unknown UUID is InstanceNotFound, and the error names it.",
    source="libvirt error 42 (VIR_ERR_NO_DOMAIN)",
    since="1.0",
    needs=LISTED,
)
@pytest.mark.parametrize("method", ["instance", "spec"])
def test_unknown(driver: ComputeDriver, method: str) -> None:
    with pytest.raises(InstanceNotFound) as refused:
        getattr(driver, method)(NO_SUCH)
    assert refused.value.key == NO_SUCH
    assert NO_SUCH in str(refused.value)


@case(
    "inventory.restart",
    Level.MUST,
    requirement="An instance is the same one through stop and start: one entry, under the same UUID and name.",
    source="virDomainGetID: -1 while off, and another number each start; only the UUID stays",
    since="1.0",
    needs=SPAWNED | {Capability.STOP, Capability.START},
)
def test_the_same_instance_after_a_restart(driver: ComputeDriver, instance: Instance, world: World) -> None:
    driver.stop(instance.uuid, timeout=0)
    assert own(driver, world) == [(instance.name, PowerState.OFF)]
    again = driver.start(instance.uuid)
    assert (again.uuid, again.name) == (instance.uuid, instance.name)
    assert own(driver, world) == [(instance.name, PowerState.RUNNING)]


@case(
    "inventory.many",
    Level.MUST,
    requirement="Many instances are all listed, each once and with its state.",
    source="virConnectListAllDomains",
    since="1.0",
    needs=SPAWNED,
)
def test_many(driver: ComputeDriver, small: Small, world: World) -> None:
    spawned = [driver.spawn(small(), start=number % FEW == 0) for number in range(MANY)]
    assert sorted(own(driver, world)) == sorted((one.name, one.state) for one in spawned)


@case(
    "inventory.cost",
    Level.SHOULD,
    requirement="Listing costs at most one libvirt call more for each instance more.",
    source="virConnectGetAllDomainStats gives all states in one call",
    since="1.0",
    needs=SPAWNED,
)
def test_listing_grows_by_one_call_an_instance_at_most(driver: ComputeDriver, small: Small, virtproof_case: CaseContext) -> None:
    own = [str(driver.spawn(small(), start=False).uuid) for _ in range(FEW)]
    few = calls_of(virtproof_case, own, driver.instances)
    own += [str(driver.spawn(small(), start=False).uuid) for _ in range(MANY - FEW)]
    assert calls_of(virtproof_case, own, driver.instances) - few <= MANY - FEW


@case(
    "inventory.reading",
    Level.MUST,
    requirement="Reading changes nothing: the domain's definition and state are the same afterwards.",
    source="driver contract: instances, instance and spec only read",
    since="1.0",
    needs=SPAWNED,
)
def test_reading_changes_nothing(driver: ComputeDriver, instance: Instance, world: World) -> None:
    before = (world.xml(instance.uuid), world.xml(instance.uuid, inactive=True), world.state(instance.uuid), world.inventory())
    driver.instances()
    driver.instance(instance.uuid)
    driver.spec(instance.uuid)
    after = (world.xml(instance.uuid), world.xml(instance.uuid, inactive=True), world.state(instance.uuid), world.inventory())
    assert after == before


@case(
    "inventory.spec.round-trip",
    Level.MUST,
    requirement="spec() gives what the instance was spawned from, whether it runs or not.",
    source="driver contract: spec(); virDomainGetXMLDesc with VIR_DOMAIN_XML_INACTIVE",
    since="1.0",
    needs=SPAWNED,
)
@pytest.mark.parametrize("state", ["running", "off"])
@pytest.mark.parametrize("form", ["smallest", "larger", "described"])
def test_spec_is_what_was_spawned(driver: ComputeDriver, small: Small, form: str, state: str) -> None:
    forms: dict[str, Callable[[], InstanceSpec]] = {
        "smallest": small,
        "larger": lambda: small(vcpus=2, memory_mib=64, max_vcpus=4, max_memory_mib=128),
        "described": lambda: small(
            title="a title",
            description="two\nlines",
            metadata=(MetadataElement(uri="urn:virtproof:case", prefix="c", xml='<tag a="1">text</tag>'),),
        ),
    }
    spec = forms[form]()
    driver.spawn(spec, start=state == "running")
    assert driver.spec(spec.uuid) == normalised(spec)


@case(
    "inventory.spec.again",
    Level.MUST,
    requirement="What spec() gives spawns the same instance again after it was destroyed.",
    source="driver contract: spec() is what would spawn the instance again",
    since="1.0",
    needs=SPAWNED,
)
def test_spec_spawns_the_same_again(driver: ComputeDriver, small: Small) -> None:
    spawned = driver.spawn(small())
    spec = driver.spec(spawned.uuid)
    driver.destroy(spawned.uuid)
    assert driver.spawn(spec) == spawned
    assert driver.spec(spawned.uuid) == spec


@case(
    "inventory.spec.foreign",
    Level.MUST,
    requirement="spec() of a domain that another client made has its name, UUID and size; what it changes is read the next time.",
    source="driver contract: spec() is read from the persistent definition",
    since="1.0",
    needs=LISTED,
)
def test_spec_of_a_foreign_domain(driver: ComputeDriver, small: Small, world: World) -> None:
    spec = small(vcpus=2)
    grown = small(name=spec.name, uuid=spec.uuid, vcpus=3)
    with foreign_domain(world, spec, start=False):
        found = driver.spec(spec.uuid)
        assert (found.uuid, found.name, found.vcpus, found.memory_mib) == (spec.uuid, spec.name, 2, spec.memory_mib)
        world.connection.defineXML(foreign_xml(world, grown))
        assert driver.spec(spec.uuid).vcpus == grown.vcpus

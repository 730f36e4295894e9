"""Cases of the area manifest: what a lane declares of each capability is true of the driver and of libvirt.

One case a capability, `manifest.<capability>`, all with the body `_check`; the questions are in `virtproof.probes`. They need
nothing, because they decide what other cases may need.
"""

from collections.abc import Callable
from functools import partial

import pytest

from virtproof.case_context import CaseContext
from virtproof.cases import Level, case
from virtproof.evidence import Kind
from virtproof.probes import PROBES, Bench, Finding, ask_driver, ask_libvirt, disagreement
from virtproof.session import SESSION
from virtproof_driver import PROMISES, Capability
from virtproof_driver.contract import ComputeDriver


@pytest.fixture
def bench(virtproof_case: CaseContext, driver: ComputeDriver) -> Bench:
    """What probes work with, on this case's world."""
    return Bench(
        driver=driver,
        connect=virtproof_case.connect,
        host=lambda: virtproof_case.world.connection,
        small=partial(virtproof_case.small, wired=True),
        names=virtproof_case.name,
        daemon=virtproof_case.case_world.daemon,
        authenticated=virtproof_case.case_world.authenticated,
        ways=virtproof_case.case_world.ways,
        destination=virtproof_case.destination,
    )


@pytest.fixture
def reference(request: pytest.FixtureRequest) -> bool:
    """Whether the driver under test is the one that ships."""
    return request.config.stash[SESSION].tools.subject.is_reference


def _check(capability: Capability, bench: Bench, context: CaseContext, *, reference: bool) -> None:
    lane = context.lane
    finding = Finding(
        declared=capability not in lane.backend.refusals(lane.versions),
        claimed=capability in bench.driver.capabilities,
        reference=reference,
        driver=ask_driver(PROBES[capability], bench),
        libvirt=ask_libvirt(PROBES[capability], bench),
    )
    context.recorder.write(
        Kind.PROBE,
        capability=capability.value,
        declared=finding.declared,
        claimed=finding.claimed,
        outcome=finding.driver.answer.value,
        bare=finding.libvirt.answer.value if finding.libvirt else None,
        detail=finding.driver.detail,
    )
    problem = disagreement(finding)
    if problem:
        pytest.fail(f"{lane.backend.origin}: {capability}: {problem}", pytrace=False)


def _made(capability: Capability) -> Callable[..., None]:
    def test(bench: Bench, virtproof_case: CaseContext, reference: bool) -> None:  # noqa: FBT001 - pytest gives fixtures by name
        _check(capability, bench, virtproof_case, reference=reference)

    test.__name__ = test.__qualname__ = f"test_{capability.value.replace('.', '_').replace('-', '_')}"
    return case(
        f"manifest.{capability}",
        Level.MUST,
        requirement=f"The manifest tells the truth about this: {PROMISES[capability]}",
        source="virtproof design: a declaration counts only if a probe agrees",
        since="1.0",
        needs=(),
    )(test)


globals().update({test.__name__: test for test in map(_made, Capability)})

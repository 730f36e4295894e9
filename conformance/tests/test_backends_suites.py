"""A backend with the libvirt of another suite of Debian: what `--suite` makes of it."""

import pytest

from virtproof.backends import load
from virtproof.backends.suites import of_suite
from virtproof.errors import UsageError
from virtproof.lane_pool import lane_keys
from virtproof.options import Options


@pytest.mark.parametrize(
    ("name", "provisioner"), [("qemu", "container"), ("lxc", "container"), ("test-rpc", "test-rpc-container")]
)
def test_it_runs_in_containers_of_the_suite_and_keeps_its_manifest(name: str, provisioner: str) -> None:
    shipped = load(name)
    made = of_suite(shipped, "bookworm")
    assert (made.suite, made.provisioner) == ("bookworm", provisioner)
    assert (made.unsupported, made.known_bugs, made.transports) == (shipped.unsupported, shipped.known_bugs, shipped.transports)


def test_a_session_asks_for_it_and_without_has_the_recipes_own() -> None:
    assert [key.backend.suite for key in lane_keys(Options(backends=("qemu", "lxc"), suite="sid"))] == ["sid", "sid"]
    assert [key.backend for key in lane_keys(Options(backends=("test-rpc",)))] == [load("test-rpc")]


def test_a_backend_that_runs_in_no_container_is_refused() -> None:
    with pytest.raises(
        UsageError, match="--suite sid: the backend test runs in no container of ours; leave the option out for it"
    ):
        lane_keys(Options(backends=("test-rpc", "test"), suite="sid"))


@pytest.mark.parametrize("suite", ["../etc", "Trixie", "trixie:latest", "debian 12"])
def test_what_is_no_suite_is_told(suite: str) -> None:
    with pytest.raises(UsageError, match="no suite of Debian; write one such as bookworm, trixie or sid"):
        of_suite(load("qemu"), suite)

"""The grammar of a backend's TOML: what a correct file becomes, and what each mistake is told."""

import pytest

from virtproof.backends.model import Backend, Basis, KnownBug, Unsupported
from virtproof.backends.reading import read
from virtproof.errors import UsageError
from virtproof_driver import Capability

PROVISIONERS = ("test", "test-rpc")
HEAD = 'name = "mine"\nbasis = "real"\nuri = "qemu+ssh://host/system"\n'


def refused(text: str) -> list[str]:
    with pytest.raises(UsageError) as raised:
        read(text, "mine.toml", PROVISIONERS)
    return str(raised.value).splitlines()


def test_a_whole_file_becomes_a_backend() -> None:
    text = (
        HEAD
        + """
        [unsupported]
        "lifecycle.suspend" = "this driver has no managed save"
        "lifecycle.rescue" = {reason = "came later", when = "libvirt < 10.0, qemu >= 7"}
        [[known-bug]]
        case = "events.stop.order"
        when = "libvirt < 10.6"
        reason = "two events change places"
        link = "https://example.org/1"
        """
    )
    backend = read(text, "mine.toml", PROVISIONERS)
    assert backend == Backend(
        name="mine",
        basis=Basis.REAL,
        uri="qemu+ssh://host/system",
        origin="mine.toml",
        unsupported=(
            Unsupported(capability=Capability.SUSPEND, reason="this driver has no managed save"),
            Unsupported(capability=Capability.RESCUE, reason="came later", when="libvirt < 10.0, qemu >= 7"),
        ),
        known_bugs=(
            KnownBug(
                case="events.stop.order", reason="two events change places", link="https://example.org/1", when="libvirt < 10.6"
            ),
        ),
    )
    old, new = {"libvirt": "9.0.0", "qemu": "7.2.0"}, {"libvirt": "10.6.0", "qemu": "9.0.0"}
    assert backend.refusals(old).keys() == {Capability.SUSPEND, Capability.RESCUE}
    assert backend.refusals(new).keys() == {Capability.SUSPEND}
    assert [bug.case for bug in backend.bugs(old)] == ["events.stop.order"]
    assert backend.bugs(new) == ()


def test_a_provisioned_backend_needs_no_uri_and_has_transports() -> None:
    backend = read('name = "x"\nbasis = "mock"\nprovisioner = "test-rpc"\ntransports = ["tcp", "unix"]', "x.toml", PROVISIONERS)
    assert (backend.provisioner, backend.uri, backend.transports) == ("test-rpc", "", ("tcp", "unix"))


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        pytest.param("name =", ["mine.toml: not TOML: Invalid value (at end of document); correct the file"], id="no TOML"),
        pytest.param(
            "",
            ["mine.toml: basis: missing; add it", "mine.toml: name: missing; add it", "mine.toml: uri: missing; add it"],
            id="empty",
        ),
        pytest.param(HEAD + 'bases = "real"', ["mine.toml: bases: unknown key; did you mean 'basis'?"], id="unknown key"),
        pytest.param(
            HEAD.replace('"real"', '"reel"'), ["mine.toml: basis: unknown 'reel'; did you mean 'real'?"], id="unknown basis"
        ),
        pytest.param(
            HEAD.replace("qemu+ssh://host/system", "host"),
            ["mine.toml: uri: 'host' is no libvirt URI; write one such as 'qemu:///system' or 'qemu+ssh://host/system'"],
            id="no URI",
        ),
        pytest.param(
            HEAD.replace('"mine"', "3"),
            ["mine.toml: name: not a name; write lower-case letters, digits and hyphens"],
            id="name of another type",
        ),
        pytest.param(
            HEAD + 'provisioner = "tset"',
            ["mine.toml: provisioner: unknown 'tset'; did you mean 'test'?"],
            id="unknown provisioner",
        ),
        pytest.param(
            HEAD + 'transports = ["tcp"]',
            ["mine.toml: transports: a host is reached as its uri says; remove the key, or name a provisioner"],
            id="transports of a host",
        ),
        pytest.param(
            HEAD + 'provisioner = "test"\ntransports = ["tpc"]',
            ["mine.toml: transports: unknown 'tpc'; did you mean 'tcp'?"],
            id="unknown transport",
        ),
        pytest.param(
            HEAD + 'unsupported = "all"',
            ['mine.toml: unsupported: not a table; write [unsupported] and lines such as "lifecycle.suspend" = "why"'],
            id="unsupported is no table",
        ),
        pytest.param(
            HEAD + '[unsupported]\n"lifecycle.suspendd" = "x"',
            ["mine.toml: unsupported.lifecycle.suspendd: no capability; did you mean 'lifecycle.suspend'?"],
            id="unknown capability",
        ),
        pytest.param(
            HEAD + '[unsupported]\nlifecycle.suspend = "x"',
            ['mine.toml: unsupported.lifecycle: no capability; put its whole name in quotes, as in "lifecycle.suspend"'],
            id="capability without quotes",
        ),
        pytest.param(
            HEAD + '[unsupported]\n"lifecycle.suspend" = " "',
            ["mine.toml: unsupported.lifecycle.suspend.reason: no reason; say why in a few words, they stand in every report"],
            id="blank reason",
        ),
        pytest.param(
            HEAD + '[unsupported]\n"lifecycle.suspend" = {when = "libvrit < 3"}',
            [
                "mine.toml: unsupported.lifecycle.suspend.reason: missing; add it",
                (
                    "mine.toml: unsupported.lifecycle.suspend.when: 'libvrit < 3' names no product whose version is known; "
                    "did you mean 'libvirt'?"
                ),
            ],
            id="no reason and a bad predicate",
        ),
        pytest.param(
            HEAD + '[unsupported]\n"lifecycle.suspend" = true',
            [
                (
                    "mine.toml: unsupported.lifecycle.suspend: neither a reason nor a table; "
                    'write "why" or {reason = "why", when = "libvirt < 10.0"}'
                )
            ],
            id="reason of another type",
        ),
        pytest.param(
            HEAD + '[known-bug]\ncase = "a.b"',
            ["mine.toml: known-bug: not an array of tables; write [[known-bug]] above each"],
            id="known bug as one table",
        ),
        pytest.param(
            HEAD + '[[known-bug]]\ncase = "b"\nreason = "x"\nlonk = "y"',
            [
                "mine.toml: known-bug[1].case: 'b' is no id of a case; write one such as 'events.stop.order'",
                "mine.toml: known-bug[1].link: missing; add it",
                "mine.toml: known-bug[1].lonk: unknown key; did you mean 'link'?",
            ],
            id="known bug with mistakes",
        ),
    ],
)
def test_each_mistake_names_file_and_key_and_says_what_to_do(text: str, problems: list[str]) -> None:
    assert refused(text) == problems


@pytest.mark.parametrize(
    "uri", ["qemu:///system", "test:///default", "test+unix:///default?socket=/run/x", "xen://host", "lxc:///"]
)
def test_what_libvirt_takes_for_a_uri_is_taken(uri: str) -> None:
    assert read(HEAD.replace("qemu+ssh://host/system", uri), "mine.toml", PROVISIONERS).uri == uri

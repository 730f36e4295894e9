"""Secrets, over a host in memory that does as libvirt 11.3.0 was measured to do."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast
from uuid import UUID

import pytest

from virtproof_driver.actions import SetSecretValue
from virtproof_driver.errors import HypervisorError, InvalidSpec, SecretExists, SecretNotFound
from virtproof_driver.markup.secret import parse_secret
from virtproof_driver.operations import secrets
from virtproof_driver.spec import Disk, FileSource, SecretKind, SecretSpec

if TYPE_CHECKING:
    from virtproof_driver.link import Link

P = ParamSpec("P")
T = TypeVar("T")
ONE, TWO = UUID(int=1), UUID(int=2)
SPEC = SecretSpec(uuid=ONE, usage="for one")
VALUE = b"top\0secret"


class Secret:
    def __init__(self, host: "Host", xml: str) -> None:
        self.host, self.xml, self.value = host, xml, b""

    def UUIDString(self) -> str:
        return str(parse_secret(self.xml).uuid)

    def XMLDesc(self) -> str:
        if self.host.vanishing:
            raise SecretNotFound(self.UUIDString())
        return self.xml

    def setValue(self, value: bytes) -> int:
        if self.host.full:
            raise HypervisorError(38, 30, "No space left on device")
        self.value = value
        return 0

    def undefine(self) -> int:
        self.host.kept.remove(self)
        return 0


class Host:
    """A connection and the secrets behind it, also the link to it."""

    def __init__(self) -> None:
        self.kept: list[Secret] = []
        self.full = self.vanishing = False

    def connection(self) -> "Host":
        return self

    def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)

    def listAllSecrets(self) -> list[Secret]:
        return list(self.kept)

    def secretLookupByUUIDString(self, uuid: str) -> Secret:
        for secret in self.kept:
            if secret.UUIDString() == uuid:
                return secret
        raise SecretNotFound(uuid)

    def secretDefineXML(self, xml: str) -> Secret:
        wanted = parse_secret(xml)
        if any(parse_secret(each.xml).usage == wanted.usage is not None for each in self.kept):
            raise HypervisorError(1, 30, "already defined for use with it")
        self.kept.append(Secret(self, xml))
        return self.kept[-1]


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def link(host: Host) -> "Link":
    return cast("Link", cast("object", host))


def test_a_secret_comes_with_its_value_and_goes(host: Host, link: "Link") -> None:
    secrets.create_secret(link, SPEC, VALUE)
    assert [each.value for each in host.kept] == [VALUE]
    assert secrets.secrets(link) == (SPEC,)
    secrets.delete_secret(link, ONE)
    assert secrets.secrets(link) == ()


def test_secrets_are_listed_by_uuid(link: "Link") -> None:
    others = [SecretSpec(uuid=TWO, kind=SecretKind.TLS, usage="two"), SecretSpec(uuid=ONE)]
    for spec in others:
        secrets.create_secret(link, spec, VALUE)
    assert secrets.secrets(link) == tuple(reversed(others))


@pytest.mark.parametrize("taken", [SPEC, replace(SPEC, uuid=TWO), replace(SPEC, usage="other")], ids=["both", "usage", "uuid"])
def test_a_secret_that_exists_keeps_its_value(host: Host, link: "Link", taken: SecretSpec) -> None:
    secrets.create_secret(link, SPEC, VALUE)
    with pytest.raises(SecretExists) as refused:
        secrets.create_secret(link, taken, b"other")
    assert refused.value.key == str(ONE)
    assert [each.value for each in host.kept] == [VALUE]


def test_a_secret_without_a_value_is_not_left(host: Host, link: "Link") -> None:
    host.full = True
    with pytest.raises(HypervisorError) as failed:
        secrets.create_secret(link, SPEC, VALUE)
    assert (failed.value.undone_failures, host.kept) == ((), [])
    assert "top" not in repr(failed.value)


def test_a_refusal_that_no_secret_explains_stays_the_hosts(host: Host, link: "Link", monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_xml: str) -> Secret:
        raise HypervisorError(38, 30, "read-only file system")

    monkeypatch.setattr(host, "secretDefineXML", refuse)
    with pytest.raises(HypervisorError):
        secrets.create_secret(link, SPEC, VALUE)


@pytest.mark.parametrize("value", [b"", b"x" * 65537], ids=["empty", "long"])
def test_a_value_that_cannot_be_is_refused_before_anything_is_defined(host: Host, link: "Link", value: bytes) -> None:
    with pytest.raises(InvalidSpec):
        secrets.create_secret(link, SPEC, value)
    assert host.kept == []


def test_a_secret_that_is_not_there_is_named(link: "Link") -> None:
    with pytest.raises(SecretNotFound) as missing:
        secrets.delete_secret(link, ONE)
    assert missing.value.key == str(ONE)


def test_one_that_goes_while_they_are_listed_is_left_out(host: Host, link: "Link") -> None:
    secrets.create_secret(link, SPEC, VALUE)
    host.vanishing = True
    assert secrets.secrets(link) == ()


def test_a_disk_needs_its_secret(link: "Link") -> None:
    plain = Disk(target="vda", source=FileSource(path="/i"))
    encrypted = replace(plain, secret=ONE)
    secrets.require_secrets(link, (plain,))
    with pytest.raises(SecretNotFound):
        secrets.require_secrets(link, (plain, encrypted))
    secrets.create_secret(link, SPEC, VALUE)
    secrets.require_secrets(link, (plain, encrypted))


def test_no_representation_of_a_step_shows_the_value() -> None:
    action = SetSecretValue(uuid=ONE, value=b"topsecret")
    assert "topsecret" not in f"{action!r} {action}"

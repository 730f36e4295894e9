"""Authentication: how the factory's `auth` callback answers a host that asks for credentials, and where the answers do not show.

What belongs here: cases whose ids begin with `authentication`. What does not: what a connection may do that was opened read-only
(`test_read_only`).
"""

import json
import traceback
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Connect, Small
from virtproof.suite.common import SPAWNED, Said
from virtproof_driver import Capability, CredentialRequest
from virtproof_driver.constants import CredentialType
from virtproof_driver.errors import PermissionDenied
from virtproof_driver.values import PowerState

ASKED = frozenset({Capability.CONNECTION_AUTH, Capability.HOST_INFO})
SECRETS = frozenset({CredentialType.PASSPHRASE, CredentialType.NOECHOPROMPT})
Authenticated = tuple[str, str, str]
Auth = Callable[[CredentialRequest], str | None]


def answering(user: str | None, password: str | None) -> Auth:
    """A callback that gives these answers; None cancels."""
    return lambda request: password if request.kind in SECRETS else user


def refused(connect: Connect, uri: str, **options: object) -> PermissionDenied:
    """The error of connecting, which must be PermissionDenied."""
    with pytest.raises(PermissionDenied) as error:
        connect(uri, **options)
    return error.value


@case(
    "authentication.right",
    Level.MUST,
    requirement="With the right credentials the driver is connected and works.",
    source="virConnectOpenAuth; the test driver asks where its node file has <auth> (measured, libvirt 9.0.0)",
    since="1.0",
    needs=ASKED | SPAWNED,
)
def test_right_credentials(connect: Connect, authenticated: Authenticated, small: Small) -> None:
    uri, user, password = authenticated
    driver = connect(uri, auth=answering(user, password))
    assert driver.host().hostname
    assert driver.spawn(small()).state is PowerState.RUNNING


@case(
    "authentication.asked",
    Level.MUST,
    requirement="The callback is given requests one at a time, each with its kind and a prompt, the user before the secret.",
    source="virConnectCredential: type, prompt, challenge, defresult",
    since="1.0",
    needs=ASKED,
)
def test_what_the_callback_is_asked(connect: Connect, authenticated: Authenticated) -> None:
    uri, user, password = authenticated
    asked: list[CredentialRequest] = []

    def auth(request: CredentialRequest) -> str:
        asked.append(request)
        return password if request.kind in SECRETS else user

    connect(uri, auth=auth)
    kinds = [request.kind in SECRETS for request in asked]
    assert kinds.index(True) == len(kinds) - 1 > 0  # SASL asks for whom the user acts too
    assert all(request.prompt for request in asked)


@case(
    "authentication.wrong",
    Level.MUST,
    requirement="With wrong credentials connecting is PermissionDenied, and the error names the host.",
    source="libvirt error 45 (VIR_ERR_AUTH_FAILED)",
    since="1.0",
    needs=ASKED,
)
@pytest.mark.parametrize("wrong", ["user", "password", "empty-user", "empty-password", "prefix"])
def test_wrong_credentials(connect: Connect, authenticated: Authenticated, wrong: str) -> None:
    uri, user, password = authenticated
    answers = {
        "user": ("mallory", password),
        "password": (user, "not the password"),
        "empty-user": ("", password),
        "empty-password": (user, ""),
        "prefix": (user, password[:-1]),
    }
    error = refused(connect, uri, auth=answering(*answers[wrong]))
    assert uri in str(error)


@case(
    "authentication.none",
    Level.MUST,
    requirement="Without a callback, connecting to a host that asks is PermissionDenied.",
    source="libvirt error 8 (VIR_ERR_INVALID_ARG) of domain 46 (VIR_FROM_AUTH), measured on libvirt 9.0.0",
    since="1.0",
    needs=ASKED,
)
def test_no_callback(connect: Connect, authenticated: Authenticated) -> None:
    assert authenticated[0] in str(refused(connect, authenticated[0]))


@case(
    "authentication.none.remedy",
    Level.SHOULD,
    requirement="The error of connecting without a callback says that the factory takes one as auth.",
    source="driver contract: every message names the remedy where the caller can do something",
    since="1.0",
    needs=ASKED,
)
def test_no_callback_says_what_is_wanted(connect: Connect, authenticated: Authenticated) -> None:
    said = str(refused(connect, authenticated[0])).replace(authenticated[0], "")
    assert "auth" in said.replace(",", " ").replace(":", " ").split()


@case(
    "authentication.file",
    Level.MUST,
    requirement="Credentials may come from a file that the URI names; the driver is connected by them and works.",
    source="https://libvirt.org/auth.html#client-configuration: authfile",
    since="1.0",
    needs=ASKED | SPAWNED,
)
def test_credentials_of_a_file(connect: Connect, authenticated: Authenticated, small: Small, tmp_path: Path) -> None:
    uri, user, password = authenticated
    driver = connect(with_file(uri, answers_file(tmp_path, user, password)))
    assert driver.host().hostname
    assert driver.spawn(small()).state is PowerState.RUNNING


@case(
    "authentication.file.wrong",
    Level.MUST,
    requirement="A file with a wrong password, or without one, is PermissionDenied; the password shows nowhere.",
    source="https://libvirt.org/auth.html#client-configuration: authfile; libvirt error 45 (VIR_ERR_AUTH_FAILED)",
    since="1.0",
    needs=ASKED,
)
@pytest.mark.parametrize("wrong", ["password", "user", "no-password"])
def test_wrong_credentials_of_a_file(
    connect: Connect, authenticated: Authenticated, said: Said, wrong: str, tmp_path: Path
) -> None:
    uri, user, password = authenticated
    file = {
        "password": lambda: answers_file(tmp_path, user, f"{password}X"),
        "user": lambda: answers_file(tmp_path, "mallory", password),
        "no-password": lambda: answers_file(tmp_path, user, None),
    }[wrong]()
    error = refused(connect, with_file(uri, file))
    everywhere = "".join(traceback.format_exception(error)) + said()
    assert [form for form in spellings(password) if form in everywhere] == []


@case(
    "authentication.file.callback",
    Level.MUST,
    requirement="What a file leaves open is asked of the callback, and nothing else.",
    source="https://libvirt.org/auth.html#client-configuration: the file goes before the callback",
    since="1.0",
    needs=ASKED,
)
def test_the_callback_fills_what_the_file_leaves_open(connect: Connect, authenticated: Authenticated, tmp_path: Path) -> None:
    uri, user, password = authenticated
    asked: list[CredentialRequest] = []

    def auth(request: CredentialRequest) -> str:
        asked.append(request)
        return password if request.kind in SECRETS else user

    assert connect(with_file(uri, answers_file(tmp_path, user, None)), auth=auth).host().hostname
    assert asked[-1].kind in SECRETS
    assert CredentialType.AUTHNAME not in {request.kind for request in asked}


@case(
    "authentication.cancelled",
    Level.MUST,
    requirement="A callback that answers None cancels: connecting is PermissionDenied, and nothing more is asked.",
    source="virConnectAuthCallbackPtr: a negative return cancels",
    since="1.0",
    needs=ASKED,
)
@pytest.mark.parametrize("at", ["user", "password"])
def test_cancelled(connect: Connect, authenticated: Authenticated, at: str) -> None:
    uri, user, _ = authenticated
    asked: list[CredentialRequest] = []
    answer = answering(None if at == "user" else user, None)

    def auth(request: CredentialRequest) -> str | None:
        asked.append(request)
        return answer(request)

    refused(connect, uri, auth=auth)
    assert [answer(request) is None for request in asked].index(True) == len(asked) - 1
    assert (asked[-1].kind in SECRETS) == (at == "password")


@case(
    "authentication.raises",
    Level.MUST,
    requirement="What a callback raises is not lost: connecting is PermissionDenied, and the exception is its cause.",
    source="driver contract: auth; an exception in a callback of libvirt-python is printed and lost",
    since="1.0",
    needs=ASKED,
)
def test_a_callback_that_raises(connect: Connect, authenticated: Authenticated, capfd: pytest.CaptureFixture[str]) -> None:
    trouble = ZeroDivisionError("the caller's own")

    def auth(_request: CredentialRequest) -> str:
        raise trouble

    error = refused(connect, authenticated[0], auth=auth)
    assert error.__cause__ is trouble
    assert "ZeroDivisionError" not in capfd.readouterr().err


@case(
    "authentication.again",
    Level.MUST,
    requirement="A refusal is not kept: the next driver with the right credentials is connected.",
    source="driver contract: each factory call opens by itself",
    since="1.0",
    needs=ASKED,
)
def test_right_after_wrong(connect: Connect, authenticated: Authenticated) -> None:
    uri, user, password = authenticated
    refused(connect, uri, auth=answering(user, "not the password"))
    assert connect(uri, auth=answering(user, password)).host().hostname
    refused(connect, uri, auth=answering(user, "not the password"))


@case(
    "authentication.read-only",
    Level.MUST,
    requirement="A read-only driver asks for credentials too, and is refused by wrong ones.",
    source="virConnectOpenAuth with VIR_CONNECT_RO",
    since="1.0",
    needs=ASKED | {Capability.CONNECTION_READ_ONLY, Capability.SPAWN},
)
def test_read_only_asks_too(connect: Connect, authenticated: Authenticated, small: Small) -> None:
    uri, user, password = authenticated
    refused(connect, uri, auth=answering(user, "not the password"), read_only=True)
    driver = connect(uri, auth=answering(user, password), read_only=True)
    assert driver.host().hostname
    with pytest.raises(PermissionDenied):
        driver.spawn(small())


@case(
    "authentication.secret",
    Level.MUST,
    requirement="A secret that was answered shows in no error, traceback, repr, log or output, and in no evidence.",
    source="driver contract: secrets appear in no repr, log or error",
    since="1.0",
    needs=ASKED,
)
@pytest.mark.parametrize("outcome", ["accepted", "refused"])
def test_no_secret_shows(connect: Connect, authenticated: Authenticated, said: Said, outcome: str) -> None:
    uri, user, password = authenticated
    if outcome == "refused":
        shown = "".join(traceback.format_exception(refused(connect, uri, auth=answering("mallory", password))))
    else:
        driver = connect(uri, auth=answering(user, password))
        shown = f"{driver!r} {driver} {driver.host()!r}"
    everywhere = shown + said()
    assert [form for form in spellings(password) if form in everywhere] == []


def answers_file(folder: Path, user: str, password: str | None) -> Path:
    """A file of credentials for whichever host asks; libvirt's test driver has other names for service and user than SASL."""
    answers = f"username={user}\nauthname={user}\n" + (f"password={password}\n" if password is not None else "")
    services = "".join(f"[auth-{service}-default]\ncredentials=run\n\n" for service in ("libvirt", "test"))
    file = folder / "auth.conf"
    file.write_text(f"[credentials-run]\n{answers}\n{services}", encoding="utf-8")
    return file


def with_file(uri: str, file: Path) -> str:
    """The URI with the parameter that names the file."""
    return f"{uri}{'&' if '?' in uri else '?'}authfile={file}"


def spellings(secret: str) -> set[str]:
    """The secret as it would look in text, in JSON, in Python and in XML."""
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        escape(secret),
        quoteattr(secret)[1:-1],
    }

"""A host that asks for credentials: who is asked what, how it ends, and where secrets do not show."""

import logging
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from virtproof_driver.auth import Authenticate, CredentialRequest, without_credentials
from virtproof_driver.constants import CredentialType
from virtproof_driver.errors import DriverError, PermissionDenied

if TYPE_CHECKING:
    from tests.conftest import Sessions

SECRET = "s3cret & <more>"
USERNAME = CredentialRequest(kind=CredentialType.AUTHNAME, prompt="Enter username for localhost", challenge="localhost")
PASSWORD = CredentialRequest(kind=CredentialType.PASSPHRASE, prompt="Enter joe's password for localhost", challenge="localhost")


@pytest.fixture
def guarded_uri(tmp_path: Path) -> str:
    """A host of the test driver that lets only joe in."""
    path = tmp_path / "guarded.xml"
    path.write_text("<node><auth><user password='s3cret &amp; &lt;more&gt;'>joe</user></auth></node>", encoding="utf-8")
    return f"test://{path}"


def answering(asked: list[CredentialRequest], **answers: str | None) -> Authenticate:
    def authenticate(request: CredentialRequest) -> str | None:
        asked.append(request)
        return answers[request.kind.name]

    return authenticate


def refusal(sessions: "Sessions", uri: str, auth: Authenticate | None) -> DriverError:
    session = sessions.make(uri, auth=auth)
    with pytest.raises(PermissionDenied) as caught:
        session.open()
    return caught.value


def test_the_callback_is_asked_and_the_connection_works(sessions: "Sessions", guarded_uri: str) -> None:
    asked: list[CredentialRequest] = []
    session = sessions.make(guarded_uri, auth=answering(asked, AUTHNAME="joe", PASSPHRASE=SECRET))
    session.open()
    assert session.call(session.connection().getType) == "TEST"
    assert asked == [USERNAME, PASSWORD]


def test_read_only_asks_too(sessions: "Sessions", guarded_uri: str) -> None:
    asked: list[CredentialRequest] = []
    session = sessions.make(guarded_uri, auth=answering(asked, AUTHNAME="joe", PASSPHRASE=SECRET), read_only=True)
    session.open()
    assert asked == [USERNAME, PASSWORD]


def test_a_host_that_asks_nothing_is_opened_with_a_callback_too(sessions: "Sessions", node_uri: str) -> None:
    asked: list[CredentialRequest] = []
    sessions.make(node_uri, auth=answering(asked)).open()
    assert asked == []


def test_without_a_callback_it_is_denied_and_said_what_is_wanted(sessions: "Sessions", guarded_uri: str) -> None:
    told = str(refusal(sessions, guarded_uri, None))
    assert guarded_uri in told
    assert told.endswith("the host asks for credentials, so pass the factory an auth callback")


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param({"AUTHNAME": "joe", "PASSPHRASE": "wrong"}, id="wrong password"),
        pytest.param({"AUTHNAME": "", "PASSPHRASE": ""}, id="empty answers"),
        pytest.param({"AUTHNAME": None}, id="cancelled at the user"),
        pytest.param({"AUTHNAME": "joe", "PASSPHRASE": None}, id="cancelled at the password"),
    ],
)
def test_wrong_or_no_answers_are_denied(sessions: "Sessions", guarded_uri: str, answers: dict[str, str | None]) -> None:
    error = refusal(sessions, guarded_uri, answering([], **answers))
    assert error.__cause__ is None


def test_what_the_callback_raises_is_the_cause(sessions: "Sessions", guarded_uri: str) -> None:
    trouble = ZeroDivisionError("the caller's own")

    def authenticate(request: CredentialRequest) -> str:
        raise trouble

    error = refusal(sessions, guarded_uri, authenticate)
    assert error.__cause__ is trouble


def test_no_secret_shows(sessions: "Sessions", guarded_uri: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        auth = answering([], AUTHNAME="mallory", PASSPHRASE=SECRET)
        error = refusal(sessions, guarded_uri, auth)
    session = sessions.opened[-1]
    shown = "".join(traceback.format_exception(error)) + f"{error!r}{session!r}{session._target!r}{caplog.text}"
    assert SECRET not in shown


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("test:///default", "test:///default"),
        ("qemu+ssh://joe@host:22/system", "qemu+ssh://joe@host:22/system"),
        ("qemu+tcp://joe:pass@host:16509/system", "qemu+tcp://joe@host:16509/system"),
        ("qemu+tcp://joe:p@ss:w@host/system", "qemu+tcp://joe@host/system"),
        ("qemu+tcp://:pass@host/system", "qemu+tcp://@host/system"),
        ("qemu+tcp://[::1]:16509/system?x=a@b", "qemu+tcp://[::1]:16509/system?x=a@b"),
        ("no uri :: at all", "no uri :: at all"),
        ("", ""),
    ],
)
def test_an_address_is_told_without_its_password(uri: str, shown: str) -> None:
    assert without_credentials(uri) == shown


def test_a_file_that_the_uri_names_answers(sessions: "Sessions", guarded_uri: str, tmp_path: Path) -> None:
    file = tmp_path / "auth.conf"
    file.write_text(f"[credentials-run]\nusername=joe\nauthname=joe\npassword={SECRET}\n\n[auth-test-default]\ncredentials=run\n")
    session = sessions.make(f"{guarded_uri}?authfile={file}")
    session.open()
    assert session.call(session.connection().getType) == "TEST"


def test_what_such_a_file_leaves_open_is_declined(sessions: "Sessions", guarded_uri: str, tmp_path: Path) -> None:
    file = tmp_path / "auth.conf"
    file.write_text("[credentials-run]\nauthname=joe\n\n[auth-test-default]\ncredentials=run\n")
    assert "authfile" in str(refusal(sessions, f"{guarded_uri}?authfile={file}", None))

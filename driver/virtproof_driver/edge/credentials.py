"""libvirt's credential requests, answered by the caller's callback, or by a file that libvirt reads itself.

What belongs here: the lists that libvirt-python passes, the flags it wants back, and keeping secrets out of what is said about
a failure. What does not: the request as the caller sees it (`auth`). Callback shape: entry 4 of each request takes the answer;
0 means answered, -1 cancelled.
"""

from typing import Any

from virtproof_driver.auth import Authenticate, CredentialRequest
from virtproof_driver.constants import CredentialType

_ANSWER = 4
_SECRETS = frozenset({CredentialType.PASSPHRASE, CredentialType.NOECHOPROMPT})
_HIDDEN = "***"
_OF_A_FILE = frozenset(CredentialType) - {CredentialType.USERNAME}  # such a file seldom says for whom else its user acts


class CredentialDesk:
    """Answers the requests of one opening. `error` is what the callback raised, None while it raised nothing.

    `declined` says whether an answer was refused: libvirt has no code of its own for that (79 or 45 in 9.0.0, 9 in 11.3.0).

    Without a callback it declines what the URI's file leaves open; libvirt reads that file only where a desk is offered.
    """

    def __init__(self, authenticate: Authenticate | None) -> None:
        self._kinds = frozenset(CredentialType) if authenticate is not None else _OF_A_FILE
        self._authenticate = authenticate or _decline
        self._secrets: set[str] = set()
        self.error: BaseException | None = None
        self.declined = False

    def auth(self) -> list[Any]:
        """The argument of virConnectOpenAuth: the kinds that can be answered, the callback, its opaque."""
        return [sorted(int(kind) for kind in self._kinds), self._answer_all, None]

    def without_secrets(self, text: str) -> str:
        """The text with each secret that was answered hidden."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return text

    def _answer_all(self, requests: list[list[Any]], _opaque: object) -> int:
        try:
            return 0 if all(self._answer(request) for request in requests) else -1
        except BaseException as error:  # noqa: BLE001  # an exception must not go up into C; connecting raises it again
            self.error = error
            return -1

    def _answer(self, request: list[Any]) -> bool:
        kind = CredentialType(request[0])
        prompt, challenge, default = request[1:_ANSWER]
        answer = self._authenticate(CredentialRequest(kind=kind, prompt=prompt or "", challenge=challenge, default=default))
        if answer is None:
            self.declined = True
            return False
        if kind in _SECRETS and answer:
            self._secrets.add(answer)
        request[_ANSWER] = answer
        return True


def _decline(_request: CredentialRequest) -> None:
    return None

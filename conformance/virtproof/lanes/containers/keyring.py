"""A client's side of a container's credentials: files in a private folder, and the parameters of URIs that name them.

What belongs here: writing the files once, and which URI parameters lead to them. What does not: making credentials
(`credentials`), and URIs as such (`ways`). libvirt takes each by a parameter (https://libvirt.org/uri.html), so nothing of the
user's own is read or written: neither ~/.ssh nor ~/.config/libvirt. Only the external ssh has no parameter for its known hosts:
it is run by a wrapper with a configuration of its own.
"""

import configparser
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from virtproof.lanes.containers.credentials import Certificate, Credentials, SshKey, telling_line

_ANSWERS: Final = "auth.conf"
_SECTION: Final = "credentials-run"
_SECRET: Final = 0o600
_PROGRAM: Final = 0o700
_CONFIGURATION: Final = """\
# Nothing of the user's own: this file stands in place of ~/.ssh/config and of the system's.
UserKnownHostsFile {folder}/known_hosts
GlobalKnownHostsFile /dev/null
StrictHostKeyChecking yes
IdentitiesOnly yes
IdentityAgent none
PreferredAuthentications publickey
BatchMode yes
LogLevel ERROR
"""


def write_keyring(folder: Path, credentials: Credentials, *hosts: str, known_as: Path | None = None) -> None:
    """Write all that clients need into a new folder of this user's alone; what is deliberately wrong lies beside it.

    `hosts` are the names and addresses that the host is reached by. `known_as` is the folder's path where it will be used, when
    that is not where it is written.
    """
    folder.mkdir(mode=0o700)
    used = known_as or folder
    right, strange = credentials.client, credentials.stranger
    _pki(folder / "pki", right)
    _pki(folder / "pki-stranger", strange)
    _pki(folder / "pki-unsigned", Certificate(authority=right.authority, certificate=strange.certificate, key=strange.key))
    _pki(folder / "pki-expired", credentials.expired_client)
    _pki(folder / "pki-none", Certificate(authority=right.authority, certificate=b"", key=b""))
    _pki(folder / "pki-expired-server", credentials.expired_server)
    known, changed = known_hosts(hosts, credentials.host_key), known_hosts(hosts, credentials.strange_key)
    kept = {
        "ssh": (credentials.client_key, known),
        "ssh-stranger": (credentials.strange_key, known),
        "ssh-unknown": (credentials.client_key, b""),
        "ssh-changed": (credentials.client_key, changed),
    }
    for name, (key, hosts_file) in kept.items():
        _ssh(folder / name, key, hosts_file, used / name)
    _written(folder / _ANSWERS, authentication(credentials.user, credentials.password).encode())


def known_hosts(hosts: Iterable[str], key: SshKey) -> bytes:
    """The hosts' key at any port, since a proxy in front of it has a port of its own (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""
    return b"".join(b"%s %s\n" % (pattern.encode(), key.public) for host in hosts for pattern in (host, f"[{host}]:*"))


def authentication(user: str, password: str) -> str:
    """A client's file of credentials: https://libvirt.org/auth.html#client-configuration."""
    return f"[{_SECTION}]\nauthname={user}\npassword={password}\n\n[auth-libvirt-default]\ncredentials=run\n"


def user_and_password(folder: Path) -> tuple[str, str]:
    """What the door that asks accepts."""
    found = configparser.ConfigParser(interpolation=None)
    found.read(folder / _ANSWERS, encoding="utf-8")
    return found[_SECTION]["authname"], found[_SECTION]["password"]


def secrets_in(folder: Path) -> frozenset[bytes]:
    """What of a client's credentials must show nowhere: the password, and a line of each private key."""
    keys = [*folder.glob("*/clientkey.pem"), *folder.glob("*/key")]
    return frozenset((user_and_password(folder)[1].encode(), *(telling_line(path.read_bytes()) for path in keys)))


def tls(folder: Path, pki: str = "pki") -> Mapping[str, str]:
    """The parameters of a URI over TLS."""
    return {"pkipath": str(folder / pki)}


def ssh(folder: Path, kept: str = "ssh") -> Mapping[str, str]:
    """The parameters of a URI over the external ssh program."""
    return {"command": str(folder / kept / "ssh"), "keyfile": str(folder / kept / "key"), "no_tty": "1"}


def libssh(folder: Path, kept: str = "ssh") -> Mapping[str, str]:
    """The parameters of a URI over the library in libvirt itself."""
    known, key = folder / kept / "known_hosts", folder / kept / "key"
    return {"keyfile": str(key), "known_hosts": str(known), "known_hosts_verify": "normal", "sshauth": "privkey"}


def sasl(folder: Path, kept: str = _ANSWERS) -> Mapping[str, str]:
    """The parameters of a URI whose host asks for user and password."""
    return {"authfile": str(folder / kept)}


def keep_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files by name into a new folder of this user's alone."""
    folder.mkdir(mode=0o700)
    for name, content in files.items():
        _written(folder / name, content)


def _pki(folder: Path, certificate: Certificate) -> None:
    """The names are those that libvirt looks for under `pkipath`; a file without content is left out."""
    folder.mkdir(mode=0o700)
    files = {"cacert.pem": certificate.authority, "clientcert.pem": certificate.certificate, "clientkey.pem": certificate.key}
    for name, content in files.items():
        if content:
            _written(folder / name, content)


def _ssh(folder: Path, key: SshKey, hosts: bytes, used: Path) -> None:
    folder.mkdir(mode=0o700)
    _written(folder / "key", key.private)
    _written(folder / "known_hosts", hosts)
    _written(folder / "config", _CONFIGURATION.format(folder=used).encode())
    _written(folder / "ssh", f'#!/bin/sh\nexec ssh -F "{used}/config" "$@"\n'.encode(), _PROGRAM)


def _written(path: Path, content: bytes, mode: int = _SECRET) -> None:
    path.touch(mode=mode, exist_ok=False)  # private before there is anything in it
    path.write_bytes(content)

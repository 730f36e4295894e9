"""Tests that nothing outside the edge can reach the machine it runs on, and that each module keeps to the house's sizes.

import-linter holds the imports too; this one also sees calls, and needs no tool but Python.
"""

import ast
from pathlib import Path

import pytest

import virtproof_driver

ROOT = Path(virtproof_driver.__file__).parent
SOURCES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "connecting.py" and ROOT / "edge" not in path.parents)

MACHINE = frozenset(
    {"asyncio", "builtins", "concurrent", "ctypes", "fcntl", "glob", "http", "importlib", "io", "libvirt", "linecache", "mmap"}
    | {
        "multiprocessing",
        "os",
        "pathlib",
        "platform",
        "psutil",
        "pwd",
        "queue",
        "random",
        "resource",
        "sched",
        "secrets",
        "select",
    }
    | {"selectors", "shutil", "signal", "socket", "socketserver", "ssl", "subprocess", "sys", "tempfile", "threading", "time"}
    | {"urllib"}
)
CALLS = frozenset({"open", "exec", "eval", "input", "print", "compile", "__import__", "breakpoint"})
METHODS = frozenset({"read_text", "read_bytes", "write_text", "write_bytes", "getenv", "environ", "popen", "fdopen"})


WHOLE = sorted(ROOT.rglob("*.py"))
FILES = frozenset(
    {"codecs", "fcntl", "fileinput", "glob", "io", "linecache", "mmap", "os", "pathlib", "pty", "shutil", "sqlite3", "subprocess"}
    | {"tempfile", "zipfile"}
)


def imported(tree: ast.Module) -> set[str]:
    """The names of modules that a module imports, in any way and at any depth."""
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def called(tree: ast.Module) -> set[str]:
    """The plain names that a module calls, and the attributes that it reads."""
    names = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return names | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def offences(source: str) -> set[str]:
    """What a module outside the edge must not have."""
    tree = ast.parse(source)
    modules = imported(tree)
    edge = {name for name in modules if name.startswith("virtproof_driver.edge")}
    machine = {name for name in modules if name.partition(".")[0] in MACHINE}
    names = called(tree)
    paths = {
        str(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and str(node.value).startswith(("/proc", "/sys"))
    }
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return edge | machine | (names - attributes) & CALLS | attributes & METHODS | paths


def reached_files(source: str) -> set[str]:
    """What a module, the edge's too, could reach a file by: on a remote host's behalf it would be the wrong machine's."""
    tree = ast.parse(source)
    modules = {name for name in imported(tree) if name.partition(".")[0] in FILES}
    plain = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return modules | plain & {"open", "__import__", "exec", "eval"} | attributes & METHODS


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_of_the_driver_reaches_a_file(path: Path) -> None:
    assert reached_files(path.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    ("source", "how"),
    [
        ("import os", "os"),
        ("from pathlib import Path", "pathlib"),
        ("import shutil as s", "shutil"),
        ("open('/var/lib/libvirt/images/x')", "open"),
        ("def f(path): return path.read_bytes()", "read_bytes"),
    ],
)
def test_a_reached_file_is_seen(source: str, how: str) -> None:
    assert reached_files(source) == {how}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_outside_the_edge_touches_no_machine(path: Path) -> None:
    assert offences(path.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    ("source", "offence"),
    [
        ("import os.path", "os.path"),
        ("from socket import socket", "socket"),
        ("def f():\n    import threading", "threading"),
        ("from virtproof_driver.edge.session import Session", "virtproof_driver.edge.session"),
        ("open('x')", "open"),
        ("p.read_text()", "read_text"),
        ("x = '/proc/cpuinfo'", "/proc/cpuinfo"),
        ("import libvirt", "libvirt"),
    ],
)
def test_each_offence_is_seen(source: str, offence: str) -> None:
    assert offences(source) == {offence}


def test_the_driver_is_looked_at() -> None:
    assert {"driver.py", "plans.py", "stopping.py", "domain.py", "fold.py"} <= {path.name for path in SOURCES}

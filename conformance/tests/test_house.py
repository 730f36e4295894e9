"""The house rules that no linter knows: sizes, docstrings, words, links, and what the driver reads.

What belongs here: rules over the files of the checkout, each a test that lists every offender. What does not: rules that ruff,
import-linter or the type checkers hold (`pyproject.toml`). An exception stands in a table with its reason, and must be needed.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = ("driver", "fakes", "conformance", "ci")
TEXT = (*CODE, "docs", ".ci")
SUFFIXES = {"", ".css", ".html", ".ini", ".j2", ".js", ".json", ".md", ".py", ".toml", ".txt"}
LONGEST_MODULE = 400  # lines
LONGEST_FUNCTION = 40  # lines, from `def` to its last, docstring included
HOST_PATHS = ("/proc/", "/sys/", "/etc/", "/var/", "/run/", "/dev/")

# path -> why it may be longer
LONG_MODULES: Mapping[str, str] = {
    "driver/tests/test_operations_devices.py": "its hypervisor in memory, until the fake replaces it, and its tests share values",
    "driver/tests/test_operations_overlays.py": "likewise",
}
# "path::function" -> why it may be longer
LONG_FUNCTIONS: Mapping[str, str] = {}

# Words that the house does not use, in halves so that this file passes its own check: words that praise instead of telling,
# hosts of package registries, and paths of the machine that something was written on.
HALVES = (
    ("sim", "ply"),
    ("eas", "y"),
    ("eas", "ily"),
    ("rob", "ust"),
    ("power", "ful"),
    ("seam", "less"),
    ("lever", "age"),
    ("pypi.", "org"),
    ("python", "hosted"),
    ("deb.", "debian"),
    ("/wo", "rk"),
    ("../sha", "red"),
)
FORBIDDEN = re.compile("|".join(rf"(?<![\w-]){re.escape(''.join(halves))}(?![\w-])" for halves in HALVES), re.IGNORECASE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def files(folders: Iterable[str], suffixes: Iterable[str]) -> Iterator[Path]:
    """The checkout's own files under these folders."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix in suffixes and "__pycache__" not in path.parts:
                yield path


def modules() -> Iterator[tuple[str, ast.Module, str]]:
    """Each Python module: its path in the checkout, its tree, its text."""
    for path in [*files(CODE, {".py"}), ROOT / "noxfile.py"]:
        text = path.read_text(encoding="utf-8")
        yield str(path.relative_to(ROOT)), ast.parse(text), text


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module."""
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many lines a function takes, without its decorators."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def is_index(tree: ast.Module) -> bool:
    """Whether a module has imports, `__all__` and a docstring at most."""
    allowed = (ast.Import, ast.ImportFrom)
    return all(isinstance(node, allowed) or is_all(node) or is_docstring(node) for node in tree.body)


def is_all(node: ast.stmt) -> bool:
    """Whether a statement assigns `__all__`."""
    return isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]


def is_docstring(node: ast.stmt) -> bool:
    """Whether a statement is a bare string."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def test_no_module_is_too_long() -> None:
    long = {path: text.count("\n") for path, _, text in modules() if text.count("\n") > LONGEST_MODULE}
    assert long.keys() == LONG_MODULES.keys(), long


def test_no_function_is_too_long() -> None:
    sizes = {f"{path}::{node.name}": lines_of(node) for path, tree, _ in modules() for node in functions(tree)}
    long = {name: size for name, size in sizes.items() if size > LONGEST_FUNCTION}
    assert long.keys() == LONG_FUNCTIONS.keys(), long


def test_every_module_opens_with_a_docstring_but_for_indexes() -> None:
    bare = [path for path, tree, _ in modules() if not ast.get_docstring(tree) and not path.endswith("__init__.py")]
    assert bare == []


def test_every_init_is_an_index() -> None:
    more = [path for path, tree, _ in modules() if path.endswith("__init__.py") and not is_index(tree)]
    assert more == []


def test_every_nox_session_has_a_docstring() -> None:
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    sessions = [node for node in functions(tree) if any("nox.session" in ast.unparse(each) for each in node.decorator_list)]
    assert len(sessions) >= 9
    assert [node.name for node in sessions if not ast.get_docstring(node)] == []


def test_nothing_says_a_forbidden_word() -> None:
    top = [path for path in ROOT.iterdir() if path.suffix in {".md", ".py", ".toml"}]
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match.group()}"
        for path in [*top, *files(TEXT, SUFFIXES)]
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        for match in FORBIDDEN.finditer(line)
    ]
    assert found == []


def test_links_between_documents_lead_to_files() -> None:
    top = [path for path in ROOT.iterdir() if path.suffix == ".md"]
    dead = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in [*top, *files(["docs", "ci"], {".md"})]
        for target in LINK.findall(path.read_text(encoding="utf-8"))
        if "://" not in target and not target.startswith(("#", "mailto:"))
        if not (path.parent / target.partition("#")[0]).exists()
    ]
    assert dead == []


def test_the_driver_reads_no_local_file_outside_the_edge() -> None:
    reads = [
        f"{path}: {ast.unparse(node)}"
        for path, tree, _ in modules()
        if path.startswith("driver/virtproof_driver/") and "/edge/" not in path
        for node in ast.walk(tree)
        if is_open(node) or is_host_path(node)
    ]
    assert reads == []


def is_open(node: ast.AST) -> bool:
    """Whether a node calls the built-in `open`."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open"


def is_host_path(node: ast.AST) -> bool:
    """Whether a node is a string that names a place of the local host."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and f"{node.value}/".startswith(HOST_PATHS)

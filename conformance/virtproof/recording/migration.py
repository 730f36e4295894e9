"""A migration under way, as cases see it: what they do with it is recorded as operations of the driver.

What belongs here: the wrapper of what migrate() returns. What does not: migrate() itself (`driver`). Waiting is an operation, so
that a driver that waits by reading the state again and again is seen; so is each look at the progress, which may read once.
"""

from functools import partial
from typing import Any, Final

from virtproof.recording.operator import Operator

MIGRATE: Final = "migrate"
WAIT: Final = "migration.wait"
LOOK: Final = "migration.progress"
_METHODS: Final = frozenset({"wait", "abort", "set_max_downtime", "set_bandwidth", "start_post_copy"})


class RecordedMigration:
    """A migration whose methods are recorded. `isinstance` sees the driver's own class."""

    __slots__ = ("_virtproof_migration", "_virtproof_operator", "_virtproof_uuid")

    def __init__(self, migration: object, operator: Operator, uuid: str) -> None:
        self._virtproof_migration = migration
        self._virtproof_operator = operator
        self._virtproof_uuid = uuid

    @property  # type: ignore[misc]  # a wrapper passes for what it wraps; nobody assigns it
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._virtproof_migration.__class__

    def __getattr__(self, name: str) -> Any:
        read = partial(getattr, self._virtproof_migration, name)
        if name == "progress":
            return self._run("progress", read)
        return partial(self._operate, name, read()) if name in _METHODS else read()

    def _operate(self, name: str, method: Any, *args: object, **kwargs: object) -> object:
        return self._run(name, partial(method, *args, **kwargs))

    def _run(self, name: str, function: Any) -> object:
        return self._virtproof_operator.run(f"migration.{name}", function, {"uuid": self._virtproof_uuid})

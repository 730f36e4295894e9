"""Wrong drivers: the reference driver with one thing wrong, each in a few lines, and the case that catches it in the catalogue.

An index; the mistakes lie in the modules by kind.
"""

from virtproof.mutants.drivers.claims import claims_too_little, claims_too_much
from virtproof.mutants.drivers.connections import answers_for_nobody, sends_no_keepalive, writes_when_read_only
from virtproof.mutants.drivers.errors import destroy_misses, pause_once, retries_changes, swallows_errors, untyped_errors
from virtproof.mutants.drivers.events import (
    delivers_out_of_order,
    delivers_twice,
    drops_pauses,
    ignores_the_filter,
    misses_outages,
    one_for_all,
    resyncs_twice,
)
from virtproof.mutants.drivers.leftovers import (
    leaks_a_callback,
    leaks_a_connection,
    leaks_a_thread,
    leaves_a_failed_spawn,
    leaves_definitions,
    leaves_volumes,
    takes_over,
)
from virtproof.mutants.drivers.values import (
    counts_in_kib,
    escapes_twice,
    forgets_metadata,
    keeps_a_rescue,
    leaves_networks,
    list_fails,
    lists_the_active,
    loses_the_save,
    reboots_by_stopping,
    reports_allocation,
    reverts_nothing,
    snapshots_without_text,
)
from virtproof.mutants.drivers.waiting import answers_early, calls_force_graceful, ignores_its_deadline, never_forces, polls

__all__ = [
    "answers_early",
    "answers_for_nobody",
    "calls_force_graceful",
    "claims_too_little",
    "claims_too_much",
    "counts_in_kib",
    "delivers_out_of_order",
    "delivers_twice",
    "destroy_misses",
    "drops_pauses",
    "escapes_twice",
    "forgets_metadata",
    "ignores_its_deadline",
    "ignores_the_filter",
    "keeps_a_rescue",
    "leaks_a_callback",
    "leaks_a_connection",
    "leaks_a_thread",
    "leaves_a_failed_spawn",
    "leaves_definitions",
    "leaves_networks",
    "leaves_volumes",
    "list_fails",
    "lists_the_active",
    "loses_the_save",
    "misses_outages",
    "never_forces",
    "one_for_all",
    "pause_once",
    "polls",
    "reboots_by_stopping",
    "reports_allocation",
    "resyncs_twice",
    "retries_changes",
    "reverts_nothing",
    "sends_no_keepalive",
    "snapshots_without_text",
    "swallows_errors",
    "takes_over",
    "untyped_errors",
    "writes_when_read_only",
]

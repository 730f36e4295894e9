"""Many migrations between two hosts, back and forth and with faults in the middle: `nox -s migrations`."""

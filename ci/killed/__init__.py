"""What a run leaves that was killed at any moment, after the next one's reaper: `nox -s killed`."""

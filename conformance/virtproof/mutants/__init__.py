"""Wrong drivers and wrong backends, each of which a named case must catch."""

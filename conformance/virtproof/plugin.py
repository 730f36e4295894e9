"""The pytest plug-in: where the suite meets pytest."""

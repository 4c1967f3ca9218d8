"""The ways to run a version, one per kind of artefact folder."""

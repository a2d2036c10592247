"""Whole jobs behind the commands: evaluate a run, predict to a file, the demonstration."""

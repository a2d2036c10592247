"""The loop, checkpoints, history and devices; knows a method only by its small interface."""

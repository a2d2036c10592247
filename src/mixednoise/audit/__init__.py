"""The verdict per sample, and what a person makes of it."""

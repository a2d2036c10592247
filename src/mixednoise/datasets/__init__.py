"""Data that ships with the package, with attribution in README.md beside it."""

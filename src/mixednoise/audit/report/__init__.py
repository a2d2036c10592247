"""The report of an audit: what was found, which images to look at first, what to do next."""

from mixednoise.audit.report.write import write_report

__all__ = ["write_report"]

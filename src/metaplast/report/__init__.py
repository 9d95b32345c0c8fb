"""The page that a run leaves behind: one file, readable offline."""

from metaplast.report.page import write
from metaplast.report.verdict import verdict

__all__ = ["verdict", "write"]

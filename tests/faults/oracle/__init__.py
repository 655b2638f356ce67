"""What an installation's readers must see, recounted from the raw log by the contract alone; no code shared with it."""

from tests.faults.oracle.oracle import Oracle
from tests.faults.oracle.rules import Rules
from tests.faults.oracle.verdict import Difference, Verdict

__all__ = ["Difference", "Oracle", "Rules", "Verdict"]

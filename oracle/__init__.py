"""What an installation's readers must see, recounted from the raw log by the contract alone. Shares no code with it."""

from oracle.oracle import Oracle
from oracle.rows import Expected
from oracle.rules import Rules
from oracle.verdict import Difference, Verdict

__all__ = ["Difference", "Expected", "Oracle", "Rules", "Verdict"]

"""What is played: events of a real log, the injected faults, and the records that carry both."""

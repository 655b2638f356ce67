"""What is played: events of a real log, the faults that are injected, and the records that carry them."""

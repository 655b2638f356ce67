"""What every process needs while it runs: its log, its health, its watchdog, and how it ends."""

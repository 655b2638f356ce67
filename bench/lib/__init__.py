"""What the benchmarks share: backlog, broker, trials, measuring, figures."""

"""Where the worker's time goes."""

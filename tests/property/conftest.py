"""How properties are searched: the same examples on every machine, and no clock in the verdict."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "project",
    deadline=None,  # a busy machine is no counterexample
    derandomize=True,
    database=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("project")

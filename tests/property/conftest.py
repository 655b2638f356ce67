"""How hypothesis searches: the same examples on every machine, and no dependence on the clock."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "project",
    deadline=None,  # a busy machine is not a counterexample
    derandomize=True,
    database=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("project")

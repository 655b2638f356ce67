"""From append to committed rows, by rate of arrival."""

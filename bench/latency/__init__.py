"""From append to committed rows, over the rate of arrival."""

"""What connections cost the collector in memory, while they are there and after they are gone."""

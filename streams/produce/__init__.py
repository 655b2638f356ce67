"""`impressions produce`: reads logs of impressions from files and plays them to the topic."""

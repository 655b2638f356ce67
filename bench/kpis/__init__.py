"""KPIs over a hundred million impressions."""

"""What the SDK costs its host, and how long its acknowledgements take."""

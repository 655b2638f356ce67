"""Tests of streams.top."""

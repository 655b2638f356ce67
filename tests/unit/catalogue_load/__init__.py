"""Tests of streams.catalogue_load."""

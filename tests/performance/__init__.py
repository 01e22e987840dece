"""Speeds, measured and never tested: ``make bench``."""

"""A quarter of a provider's life, charged and invoiced; method in ``__main__``."""

"""A SaperX v2 server to try and test against, over real HTTP.

It follows ``docs/saperx_v2.openapi.yaml``, the project's assumed contract, and
knows nothing of Odoo. ``python -m sandbox`` starts it; ``sandbox.process`` starts
it from a test. ``README.md`` beside this file tells the rest.
"""

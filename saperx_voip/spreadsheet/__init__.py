"""Templates of spreadsheets that people fill and Odoo's import reads. Pure."""

from .template import Column, write_template

__all__ = ["Column", "write_template"]

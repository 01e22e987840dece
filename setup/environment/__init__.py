"""Builds a real Odoo 19 with everything this addon needs, under ``.local/``.

Run it as ``PYTHONPATH=setup python3 -m environment odoo``; only the standard library
of Python 3.11 is needed. Each module has one topic:

==============  =====================================================================
``steps``       progress, stamps of finished steps, the lock, running other programs
``apt``         Odoo itself: fetched as a Debian package and unpacked, not installed
``venv``        the virtual environment and its Python packages
``postgres``    a private PostgreSQL cluster
``config``      ``.local/odoo.conf``
``ports``       free ports of the loopback address
``system``      what only the system's package manager can install
``databases``   databases made from a template that already holds Odoo's own modules
``odoo``        running Odoo's own command line
``logs``        reading Odoo's logs: warnings, test results
``testing``     ``make test`` and OCA's own test suites
``lint``        ``make lint``
==============  =====================================================================
"""

"""A pytest plugin that counts Odoo tests as Odoo's own runner does.

Odoo runs a test method only where it is written, not again in every class that inherits
or imports it (``odoo.tests.loader.get_module_test_cases``); pytest would.
"""


def pytest_collection_modifyitems(config, items):
    repeated = [item for item in items if item.cls and not _is_own(item)]
    config.hook.pytest_deselected(items=repeated)
    items[:] = [item for item in items if not item.cls or _is_own(item)]


def _is_own(item) -> bool:
    if not hasattr(item.cls, "test_tags"):  # not one of Odoo's test classes
        return True
    if item.cls.__module__ != item.module.__name__:
        return False
    inherits = getattr(item.cls, "allow_inherited_tests_method", False)
    return inherits or item.originalname in vars(item.cls)

"""Makes the addon installable: ``pip install ./setup/saperx_voip``.

The addon itself is reached through the link ``odoo/addons/saperx_voip``; its manifest
says everything else.
"""

import ast
import shutil
from pathlib import Path

import setuptools

HERE = Path(__file__).resolve().parent
ADDON = "saperx_voip"
# Those of the manifest's dependencies that come from the package index, not with Odoo.
OCA_ADDONS = {"contract", "contract_line_successor", "contract_termination"}

addon = HERE / "odoo" / "addons" / ADDON
manifest = ast.literal_eval((addon / "__manifest__.py").read_text(encoding="utf-8"))
series = ".".join(manifest["version"].split(".")[:2])
readme = addon / "README.rst"

# What an earlier build left would find its way into this one.
shutil.rmtree(HERE / "build", ignore_errors=True)

setuptools.setup(
    name=f"odoo-addon-{ADDON}",
    version=manifest["version"],
    description=manifest["summary"],
    long_description=readme.read_text(encoding="utf-8") if readme.exists() else "",
    long_description_content_type="text/x-rst",
    author=manifest["author"],
    url=manifest["website"],
    license=manifest["license"],
    classifiers=[
        "Programming Language :: Python",
        "Framework :: Odoo",
        f"Framework :: Odoo :: {series}",
    ],
    python_requires=">=3.10",
    install_requires=[
        f"odoo=={series}.*",
        *(
            f"odoo-addon-{name}=={series}.*"
            for name in manifest["depends"]
            if name in OCA_ADDONS
        ),
        *manifest.get("external_dependencies", {}).get("python", []),
    ],
    # Every folder below the addon counts as a package, so that each of its files is
    # taken: views, translations and pictures as well as code.
    packages=setuptools.find_namespace_packages(
        include=[f"odoo.addons.{ADDON}", f"odoo.addons.{ADDON}.*"],
        exclude=["*.__pycache__"],
    ),
    package_data={"": ["*"]},
    exclude_package_data={"": ["*.pyc"]},
    zip_safe=False,
)

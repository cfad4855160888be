"""Print the versions of what training uses, one package a line; those that are not there are left out."""

import importlib.metadata
import sys

for package in sys.argv[1:]:
    try:
        print(package, importlib.metadata.version(package))
    except importlib.metadata.PackageNotFoundError:
        pass

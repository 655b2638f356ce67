"""Puts the project's files that are no Python into the package, where streams.paths looks for them."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

FILES = ("topics.yaml", "clickhouse/migrations", "clickhouse/queries", "schemas")


class BuildWithProjectFiles(build_py):
    """Copies them to streams/project of what is built; a checkout uses them where they are."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        root = Path(__file__).parent
        for name in FILES:
            target = Path(self.build_lib) / "streams" / "project" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (root / name).is_dir():
                shutil.copytree(root / name, target, dirs_exist_ok=True)
            else:
                shutil.copy2(root / name, target)


setup(cmdclass={"build_py": BuildWithProjectFiles})

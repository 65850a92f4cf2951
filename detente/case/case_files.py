"""Which files a case has: its `case.yaml`, and those in the folders of its sections; and what else lies about.

Not here: what stands in them (``folder``).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from detente.case.declared import SECTIONS
from detente.errors import CaseError, Mistake, Where
from detente.values.file import leads_out
from detente.values.likeness import did_you_mean

FOLDERS = tuple(SECTIONS)
SUFFIXES = (".yaml", ".yml")
START = "start one with `detente init`"
PLAN = "name the case that it is the plan of"

Wrong = Callable[[Where, str, str], None]
"""Takes a mistake: where, what, remedy."""


def case_files(path: Path, wrong: Wrong) -> list[Path]:
    """The files of a case, in the order of their names; what is not read, though it could be meant, is a mistake.

    A folder that leads out of the case stands for its files, which are not listed: whoever reads them refuses it.

    Raises CaseError where a folder holds no case.
    """
    if not path.is_dir():
        return [path]
    if not (path / "case.yaml").is_file():
        saved = (path / "plan.json").is_file()
        what = "holds a saved plan, and no `case.yaml`" if saved else "holds no `case.yaml`"
        raise CaseError([Mistake(Where(str(path)), what, PLAN if saved else START)])
    files = []
    for found in _listed(path, wrong):
        if found.name == "case.yaml" or (found.name in FOLDERS and found.is_dir()):
            files += [found] if found.name == "case.yaml" or leads_out(path, found) else _inside(found, wrong)
        elif found.suffix in SUFFIXES:
            where = ", ".join(f"`{name}/`" for name in FOLDERS)
            wrong(Where(str(found)), "is not read", f"move it into one of {where}")
        elif found.name in FOLDERS:
            wrong(Where(str(found)), "is not a folder", "make it one, of files that end in `.yaml`")
        elif found.is_dir() and any(inside.suffix in SUFFIXES for inside in _listed(found, wrong)):
            wrong(Where(str(found)), "is not read, and holds YAML files", did_you_mean(found.name, FOLDERS))
    return files


def _inside(folder: Path, wrong: Wrong) -> list[Path]:
    files = []
    for found in _listed(folder, wrong):
        if found.is_dir():
            what = "is a folder inside one of the case's folders, and is not read"
            wrong(Where(str(found)), what, f"move its files into `{folder.name}/`")
        elif found.suffix in SUFFIXES:
            files.append(found)
        elif found.suffix.casefold() in (".json", ".yaml", ".yml", ".yaml~", ".toml", ""):
            wrong(Where(str(found)), "is not read: a case's files end in `.yaml`", "rename it or move it")
    return files


def _listed(folder: Path, wrong: Wrong) -> list[Path]:
    try:
        return sorted(found for found in folder.iterdir() if not found.name.startswith("."))
    except OSError as error:
        wrong(Where(str(folder)), f"cannot be read: {error.strerror or error}", "name a folder that you may read")
        return []

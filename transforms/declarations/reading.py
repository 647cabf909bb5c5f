"""The door of declaration files: each is read by the form that its name tells."""

from collections.abc import Callable
from pathlib import PurePosixPath

from transforms.declarations.csv_files import read_csv
from transforms.declarations.forms import Declaration, File, unreadable
from transforms.declarations.mails import read_mail
from transforms.declarations.workbooks import read_sheet

READERS: dict[str, Callable[[File], Declaration]] = {
    ".csv": read_csv,
    ".eml": read_mail,
    ".xlsx": read_sheet,
}
_FORMS = {".csv": "csv", ".eml": "mail", ".xlsx": "xlsx"}


def read(file: File) -> Declaration:
    """The declaration of a file, whatever is in it; never fails."""
    reader = READERS.get(_suffix(file))
    if reader is None:
        return unreadable(file, "other", "neither .csv, .xlsx nor .eml")
    return reader(file)


def refused(file: File, problem: str) -> Declaration:
    """The declaration of a file that was not read at all, such as one that is too large."""
    return unreadable(file, _FORMS.get(_suffix(file), "other"), problem)


def _suffix(file: File) -> str:
    return PurePosixPath(file.name).suffix.lower()

"""What the documents name is there: commands, options, targets, settings, files, names."""

import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from flows import cli
from flows.settings import Settings
from sandbox import faults
from sandbox.__main__ import options as sandbox_options

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
RECORDS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
DOCS = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")), *RECORDS]
ROOMS = ("flows", "sources", "store", "transforms", "checks", "sandbox")
WORDED = {".py", ".toml", ".j2"}
HOSTS = {"keepachangelog.com", "127.0.0.1"}
OUR_PATH = re.compile(r"(?:flows|sources|store|transforms|checks|sandbox|tests|docs)/[\w/.-]*")
OUR_NAME = re.compile(r"(?:flows|sources|store|transforms|checks|sandbox)(?:\.\w+)+")
PLACED = re.compile(r"`(\w+)` (?:of|in) `([\w/]+\.py)`")
SETTING = re.compile(
    r"\b(?:(?:RAPPROCHE|BOOND|BILL_COM|WAREHOUSE|DECLARATIONS|POLICY|SMTP|SMS|MAIL|OPS|PUSHGATEWAY)_[A-Z0-9_]+"
    r"|TAX_RATE)\b"
)


def code(text: str) -> Iterator[str]:
    """Code spans, and the lines of code blocks."""
    blocks = re.compile(r"^( *)```.*?\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
    for block in blocks.finditer(text):
        yield from (line.strip() for line in block[2].splitlines())
    yield from re.findall(r"`([^`\n]+)`", blocks.sub("", text))


def said(pattern: str) -> list[tuple[str, str]]:
    """(file, code) of everything in code that a pattern begins."""
    found = {
        (str(path.relative_to(ROOT)), span)
        for path in DOCS
        for span in code(path.read_text(encoding="utf-8"))
        if re.match(pattern, span)
    }
    return sorted(found)


def advised() -> list[tuple[str, str]]:
    """(file, command) of every command that a text of the product advises."""
    texts = (path for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in WORDED)
    found = {
        (str(path.relative_to(ROOT)), line)
        for path in texts
        for line in re.findall(r"[`«]\s*(rapproche [a-z][^`»{]*?)\s*[`»]", path.read_text("utf-8"))
    }
    return sorted(found)


def command_of(words: list[str]) -> click.Command:
    """The command that words begin with."""
    command: click.Command = cli.rapproche
    while isinstance(command, click.Group) and words:
        command = command.commands[words.pop(0)]
    return command


@pytest.mark.parametrize(("file", "line"), said("rapproche [a-z]"))
def test_commands_and_their_options_exist(file: str, line: str) -> None:
    """Each `rapproche …` in a document is a command with those options."""
    words = shlex.split(line)[1:]
    command = command_of(words)
    if command.name == "sandbox":
        faults.parse(sandbox_options(words).faults)
        return
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known | {"--help"}


@pytest.mark.parametrize(("file", "line"), advised())
def test_commands_that_messages_advise_exist(file: str, line: str) -> None:
    """Each `rapproche …` in a text of the product is a command with those options."""
    words = line.split()[1:]
    command = command_of(words)
    known = {name for option in command.params for name in option.opts}
    assert {word for word in words if word.startswith("--")} <= known, f"{file}: {line}"


def test_every_command_is_in_the_readme() -> None:
    """A command that nobody is told of does not exist for its users."""
    text = README.read_text(encoding="utf-8")
    assert [name for name in cli.rapproche.commands if f"`rapproche {name}" not in text] == []


@pytest.mark.parametrize(("file", "line"), said(r"make [a-z]"))
def test_make_targets_exist(file: str, line: str) -> None:
    """Each `make …` in a document is a target with a sentence of help."""
    target = line.split()[1]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), f"{file}: {line}"


@pytest.mark.parametrize("name", sorted(set(SETTING.findall(README.read_text(encoding="utf-8")))))
def test_settings_exist(name: str) -> None:
    """Each setting that README names is one that the program reads."""
    assert name in Settings.model_fields


def test_exit_codes_are_those_of_the_command_line() -> None:
    """The table of exit codes is complete and has no other."""
    told = re.findall(r"^\| (\d+) \|", README.read_text(encoding="utf-8"), re.MULTILINE)
    returned = {value for name, value in vars(cli).items() if name.startswith("EXIT_")}
    assert {int(number) for number in told} == returned


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Each link to a file is one to a file that is there."""
    links = re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_hosts_are_few_and_ports_explained(path: Path) -> None:
    """No host stands in a document but known ones, and the only port is Prefect's usual one."""
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"https?://([\w.-]+)", text)) <= HOSTS
    ports = set(re.findall(r"127\.0\.0\.1:(\d+)|localhost:(\d+)", text))
    assert ports <= {("4200", "")}
    assert not ports or "4200 is Prefect's usual port" in text


@pytest.mark.parametrize(("file", "span"), said(OUR_PATH.pattern + "$"))
def test_files_exist(file: str, span: str) -> None:
    """Each path of ours in a document is there."""
    assert (ROOT / span).exists(), f"{file}: {span}"


@pytest.mark.parametrize(("file", "span"), said(OUR_NAME.pattern + "$"))
def test_names_exist(file: str, span: str) -> None:
    """Each dotted name of ours in a document can be imported."""
    module, _, name = span.rpartition(".")
    assert hasattr(importlib.import_module(module), name), f"{file}: {span}"


def test_names_stand_where_they_are_said_to() -> None:
    """Each `name` of `file` in a document is defined or listed in that file."""
    placed = {pair for path in DOCS for pair in PLACED.findall(path.read_text(encoding="utf-8"))}
    lost = [
        f"{name} in {file}"
        for name, file in sorted(placed)
        if not re.search(rf"\b{name}\b", (ROOT / file).read_text(encoding="utf-8"))
    ]
    assert placed
    assert lost == []


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.name)
def test_decisions_have_three_sections(path: Path) -> None:
    """Each record has a title, its context, the decision and its consequences, with text."""
    parts = re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    headings, bodies = zip(*(part.split("\n", 1) for part in parts[1:]), strict=True)
    assert parts[0].startswith("# ")
    assert headings == ("Context", "Decision", "Consequences")
    assert all(body.strip() for body in bodies)


def test_decisions_are_numbered_without_gaps() -> None:
    """Records are numbered from 0001 on, each number once."""
    numbers = [int(path.name[:4]) for path in RECORDS]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_changelog_has_what_is_not_released_yet() -> None:
    """Changes that users notice are kept under Unreleased."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]\n\n### Added\n\n- " in text

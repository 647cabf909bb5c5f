"""The engine driven directly: no server, artifacts as files, progress on the terminal."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from store.files import write_private

T = TypeVar("T")


class Direct:
    """Does each unit of work as it stands; leaves Markdown files under a folder."""

    def __init__(self, artifacts: Path, console: Console) -> None:
        self.artifacts = artifacts
        self.written: list[Path] = []
        self._bars: dict[str, object] = {}
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    async def step(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """Does the work; the name is for those who drive with tasks."""
        del name
        return await work()

    async def show(self, key: str, title: str, markdown: str) -> None:
        """Writes `KEY.md` into the artifacts' folder."""
        del title
        self.artifacts.mkdir(parents=True, exist_ok=True)
        file = self.artifacts / f"{key}.md"
        write_private(file, markdown)
        self.written.append(file)

    async def link(self, key: str, title: str, file: Path) -> None:
        """The file lies among the artifacts already."""
        del key, title
        self.written.append(file)

    async def progress(self, key: str, title: str, done: int, total: int | None) -> None:
        """Moves the bar of one stream."""
        if key not in self._bars:
            self._bars[key] = self._progress.add_task(title, total=total)
        self._progress.update(self._bars[key], completed=done, total=total)  # type: ignore[arg-type]

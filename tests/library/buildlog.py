"""What a builder prints with ``--progress plain``, read."""

import re
from dataclasses import dataclass

from packaging.utils import canonicalize_name

# An instruction that fetches dependencies, by any of the tools that the tutorial uses.
INSTALLS = re.compile(r"\b(pip|pipenv|pdm|poetry|uv|npm)\b.*\b(install|sync|wheel|ci)\b")
# An instruction that brings them from the stage that did.
BRINGS = re.compile(r"^COPY .*--from=\S+ (?:.* )?\S*venv\b")


@dataclass(frozen=True)
class Build:
    """A finished build: its output, its time in seconds, and the instructions that ran, without cached ones."""

    output: str
    seconds: float = 0

    @property
    def ran(self) -> list[str]:
        step_names = re.findall(r"^#(\d+) \[[^]]*\d+/\d+\] ((?:RUN|COPY|ADD|WORKDIR) .*)$", self.output, re.MULTILINE)
        cached = set(re.findall(r"^#(\d+) CACHED$", self.output, re.MULTILINE))
        return list(dict.fromkeys(name for number, name in step_names if number not in cached))

    def installs_one(self, instruction: str) -> bool:
        """Whether an instruction installed at most one package, as pip and uv say it: the project itself, say."""
        step = re.search(rf"^#(\d+) \[.*\] {re.escape(instruction)}$", self.output, re.MULTILINE)
        lines = re.findall(rf"^#{step[1]} [\d.]+ +(.*)$", self.output, re.MULTILINE) if step else []
        pip = [words for line in lines for words in re.findall(r"^Successfully installed (.+)$", line)]
        uv = [int(count) for line in lines for count in re.findall(r"^Installed (\d+) package", line)]
        return bool(pip or uv) and sum(len(words.split()) for words in pip) + sum(uv) <= 1

    def downloads(self) -> set[str]:
        """The packages that were downloaded, as far as the installers say.

        Raises:
            RuntimeError: nothing was installed, so nothing can be said.
        """
        if not any(INSTALLS.search(name) for name in self.ran):
            raise RuntimeError(f"nothing was installed:\n{self.output}")
        pip = re.findall(
            r"^#\d+ [\d.]+ +Downloading (?:\S*/)?(\w[\w.]*?)-\d\S*\.(?:whl|tar\.gz|zip)\s", self.output, re.MULTILINE
        )
        # Poetry does not say what it downloads, only what it installs; in the tutorial it never has a cache.
        poetry = re.findall(r"^#\d+ [\d.]+ +- (?:Installing|Updating|Downgrading) (\S+) \(", self.output, re.MULTILINE)
        # uv says how many.
        uv = [
            f"package {n + 1} of uv"
            for count in re.findall(r"Prepared (\d+) package", self.output)
            for n in range(1, int(count))
        ]
        return {canonicalize_name(package) for package in (*pip, *poetry)} | set(uv)

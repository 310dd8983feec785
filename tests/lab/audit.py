"""Ask for known vulnerabilities of every version that a lock of this repository pins: ``make audit``.

pip-audit asks, in an environment of its own. Alone it says "No known vulnerabilities found" also where it has asked
nobody: about a package that the service does not know, and about a line whose marker means another Python than its own.
So it gets every pin without its marker and one that everybody should know as vulnerable, and what it skips counts.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from library import locks, repository
from library.tutorial import ROOT

PIP_AUDIT = ROOT / ".venv-audit/bin/pip-audit"
Pin = tuple[str, str]
KNOWN: Pin = ("jinja2", "2.10")  # CVE-2019-10906, among others

# The last line of what pip-audit prints then: an exception of its own or of requests'.
UNREACHABLE = re.compile(r"^\S*(Connection|Timeout|HTTP|SSL|Proxy|Retry)\w*(Error|\b)|could not connect", re.IGNORECASE)


class NotAsked(Exception):
    """The service has not said what it knows; the message says why."""


def pins(root: Path = ROOT) -> dict[Pin, list[Path]]:
    """Every (name, version) that a lock or an exported list pins, and the files that do."""
    files: dict[Pin, list[Path]] = defaultdict(list)
    for file in repository.files(root):
        if file.suffix == ".lock":
            packages = tomllib.loads((root / file).read_text())["package"]
            pinned: list[Pin] = [(canonicalize_name(package["name"]), package["version"]) for package in packages]
        elif file.match("*requirements*.txt"):
            pinned = locks.listed_pins((root / file).read_text())
        else:
            continue
        for pin in pinned:
            if "*" not in pin[1]:
                files[pin].append(file)
    return dict(files)


def vulnerabilities(asked: set[Pin], osv_url: str = "") -> dict[Pin, list[dict[str, Any]]]:
    """What the service knows about these versions, those without a vulnerability left out.

    Args:
        asked: names and versions.
        osv_url: where a service answers as OSV's does; by default PyPI's own is asked.

    Raises:
        NotAsked: it cannot be reached, does not know one of them, or knows nothing about ``KNOWN``.
    """
    asked |= {KNOWN}
    versions: dict[str, list[str]] = defaultdict(list)
    for name, version in sorted(asked):
        versions[name].append(version)
    # A list may name a package once, and so may all lists of one run: second versions are asked for in a second run.
    rounds = range(max(map(len, versions.values())))
    lists = [{name: each[number] for name, each in versions.items() if number < len(each)} for number in rounds]
    answers = [answer for listed in lists for answer in _ask(listed, osv_url)]
    if skipped := [answer["name"] for answer in answers if "skip_reason" in answer]:
        if len(skipped) == len(answers):
            raise NotAsked("the advisory service cannot be reached: what answers in PyPI's place knows no package")
        some = ", ".join(skipped[:3]) + ", ..." * (len(skipped) > 3)
        raise NotAsked(f"the advisory service does not know {len(skipped)} of {len(answers)} packages: {some}")
    vulnerable = {(answer["name"], answer["version"]): answer["vulns"] for answer in answers if answer["vulns"]}
    if silent := asked - {(answer["name"], answer["version"]) for answer in answers}:
        raise NotAsked(f"pip-audit says nothing about {', '.join(map('=='.join, sorted(silent)))}")
    if not vulnerable.pop(KNOWN, None):
        raise NotAsked(f"the advisory service knows nothing about {'=='.join(KNOWN)}, which has vulnerabilities")
    return vulnerable


def _ask(listed: dict[str, str], osv_url: str) -> list[dict[str, Any]]:
    """What pip-audit says about these versions: of each name, version and vulnerabilities, or why it was skipped."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.writelines(f"{name}=={version}\n" for name, version in listed.items())
        requirements.flush()
        command = [str(PIP_AUDIT), "--disable-pip", "--no-deps", "--progress-spinner=off", "--format=json"]
        command += ["--vulnerability-service=osv", f"--osv-url={osv_url}"] if osv_url else []
        command += ["--requirement", requirements.name]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        answers: list[dict[str, Any]] = json.loads(ran.stdout)["dependencies"]
    except ValueError:
        last = ran.stderr.strip().rpartition("\n")[2] or f"exit code {ran.returncode}"
        why = "the advisory service cannot be reached" if UNREACHABLE.search(last) else "pip-audit ended"
        raise NotAsked(f"{why}: {last[:300]}") from None
    return answers


def main() -> int:
    parser = argparse.ArgumentParser(description="Ask for known vulnerabilities of everything that a lock pins.")
    parser.add_argument("--osv-url", default="", help="where a service answers as OSV's does (default: PyPI's own)")
    where = pins()
    files = {file for pinned in where.values() for file in pinned}
    try:
        vulnerable = vulnerabilities(set(where), parser.parse_args().osv_url)
    except NotAsked as reason:
        print(f"audit: {reason}", file=sys.stderr)
        return 2
    for pin, known in sorted(vulnerable.items()):
        for one in known:
            names = ", ".join([one["id"], *one["aliases"]])
            repaired = f"repaired in {', '.join(one['fix_versions'])}" if one["fix_versions"] else "not repaired"
            print(f"{'=='.join(pin)}: {names}; {repaired}; in {', '.join(map(str, where[pin]))}")
    print(f"audit: {len(where)} versions in {len(files)} files: {len(vulnerable)} with a known vulnerability")
    return 1 if vulnerable else 0


if __name__ == "__main__":
    sys.exit(main())

"""The operators that make mutants, what they make of the folders, and the list of those that change nothing."""

import ast
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from lab import mutate, mutations
from lab.mutate import FILE, TESTS, RedAnyway, Task, concerns, path_of, presentable
from lab.mutations import FILES, MORE_FILES, by_line, of_text
from library import engine, repository, tutorial
from library.practices import PRACTICES
from library.repository import write_files
from library.tutorial import ROOT, Folder

FOLDERS = tutorial.load()


def made(file: str, text: str, **constants: str) -> dict[str, str]:
    """The mutants of a text: what each is called, without the file, and the text that it makes."""
    return {m.id.removeprefix(file).lstrip(": "): m.apply(text) for m in of_text(file, text, constants)}


def of_last_line(text: str, file: str = "Dockerfile") -> set[str]:
    """What the last line of a text becomes, where it alone is another one."""
    lines = text.splitlines()
    changed = [m.apply(text).splitlines() for m in of_text(file, text)]
    return {"\n".join(c[len(lines) - 1 :]) for c in changed if c[: len(lines) - 1] == lines[:-1]}


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("USER 10001:10001", {"", "USER 0", "USER 10001"}),
        ("USER 0", {""}),
        ("ENV A=1", {"", "ENV A=0"}),
        ("ENV A=yes B=30", {"", "ENV B=30", "ENV A=yes", "ENV A=yes B=0", "ENV A=yes B=1", "ENV A=yes B=1800"}),
        ("ENV PATH=/a:$PATH", {"", "ENV PATH=/a", "ENV PATH=$PATH"}),
        ("ARG A=x", {"", "ARG A"}),
        ("LABEL a=$A", {"", "LABEL a=constant"}),
        ('CMD ["a", "b c"]', {"", "CMD a 'b c'", 'CMD ["a"]'}),
        ("COPY --chown=1:1 a b /", {"", "COPY a b /", "COPY --chown=1:1 b /", "COPY --chown=1:1 a /"}),
        ("RUN --network=none a && b", {"", "RUN a && b", "RUN --network=none b", "RUN --network=none a"}),
        ("RUN pip install --require-hashes -r x", {"", "RUN pip install -r x", "RUN pip install --require-hashes"}),
        ("RUN pip install a==1 b", {"", "RUN pip install a b", "RUN pip install b", "RUN pip install a==1"}),
        ("RUN K=v a || exit", {"", "RUN a || exit", "RUN K=v a"}),
        ("RUN a && { b || c; } && d", {"", "RUN { b || c; } && d", "RUN a && d", "RUN a && { b || c; }"}),
        (
            "RUN c --mode checked-hash .",
            {"", "RUN c checked-hash ."} | {f"RUN c --mode {mode} ." for mode in ("timestamp", "unchecked-hash")},
        ),
        (
            "HEALTHCHECK --retries=3 CMD a",
            {"", "HEALTHCHECK CMD a"} | {f"HEALTHCHECK --retries={n} CMD a" for n in (0, 1, 180)},
        ),
        # gunicorn.conf.py
        ("a = True", {"pass", "a = False"}),
        ("a = 5", {"pass", "a = 0", "a = 1", "a = 300"}),
        ("a = b(c, d=1)", {"pass", "a = b(c)", "a = b(c, d=0)", "a = b(c, d=60)"}),
        ("a = min(b, c)", {"pass", "a = b", "a = c", "a = max(b, c)"}),
        ("a = ceil(b)", {"pass", "a = int(b)"}),
        ("a = b or c", {"pass", "a = b", "a = c"}),
        ("a = b if c else d", {"pass", "a = b", "a = d"}),
        ("a = b <= c", {"pass", "a = b < c"}),
        ("a = not b", {"pass", "a = b"}),
        ("a = 2**20", {"pass"}),
        ("a = os.environ.get('B', c)", {"pass", "a = c"}),
        ("a = number('B', c)", {"pass", "a = c"}),
        ("a = f\"{number('B', c)}:{d}\"", {"pass", 'a = f"{c}:{d}"'}),
        ("a = '0.0.0.0'", {"pass", "a = '127.0.0.1'"}),
    ],
)
def test_a_line_is_removed_or_weakened(line: str, becomes: set[str]) -> None:
    file, first = ("gunicorn.conf.py", "import os") if line.startswith("a = ") else ("Dockerfile", "FROM x")
    assert of_last_line(f"{first}\n{line}\n", file) == becomes


def test_a_stage_gets_another_base_and_loses_its_name() -> None:
    text = "FROM python:3.14-slim-trixie AS a\nFROM a AS b\nFROM a\n"
    less = {"FROM x-y/python:3.14-trixie", "FROM x-y/python:3.14-slim", "FROM x-y/python"}
    assert of_last_line("FROM x-y/python:3.14-slim-trixie\n") == less
    assert of_last_line(text) == {"FROM b"}
    assert "(b): FROM a AS b → FROM a" in made("Dockerfile", text)


def test_neighbours_change_places_where_the_order_may_matter() -> None:
    text = "FROM x\nCOPY a a\nRUN b\nUSER 1\nWORKDIR /a\nCMD c\nARG A=x\nLABEL a=$A\n"
    swapped = [name.removeprefix("(last stage): ") for name in made("Dockerfile", text) if "↔" in name]
    assert swapped == ["COPY a a ↔ RUN b", "RUN b ↔ USER 1", "ARG A=x ↔ LABEL a=$A"]


def test_comments_and_continued_lines_stay_where_they_are() -> None:
    text = "# why\nFROM x\nRUN a && \\\n    # because\n    b --c=d\n# then\nUSER 1\n"
    found = made("Dockerfile", text)
    assert found["(last stage): a removed"] == text.replace("a && \\\n    # because\n    b", "b")
    assert found["(last stage): b --c=d → b"] == text.replace(" --c=d", "")
    assert found["(last stage): USER 1 removed"] == text.replace("USER 1\n", "")


def test_python_in_a_health_check_is_weakened() -> None:
    text = 'FROM x\nHEALTHCHECK CMD ["python", "-c", "import os; ask(os.environ.get(\'PORT\') or 8000)"]\n'
    codes = set(re.findall('"import os; (.*?)"', "".join(made("Dockerfile", text).values())))
    weaker = {f"ask(os.environ.get('PORT') or {number})" for number in (0, 1, 480000)}
    assert codes == {"pass", "ask(None or 8000)", "ask(8000)", "ask(os.environ.get('PORT'))"} | weaker


COMPOSE = """services:
  web:
    build: .
    ports:
      # why
      - "${ADDRESS:-127.0.0.1}:${PORT:-8000}:8000"
    read_only: true
    cap_drop: [ALL, OTHER]
    pids_limit: ${PIDS:-256}
    develop:
      watch:
        - action: rebuild
          path: .
"""


def test_a_key_of_a_compose_file_is_removed_or_weakened() -> None:
    found = made("compose.yaml", COMPOSE)
    assert {name.removeprefix("(services.web") for name in found} == {
        "): build: . removed",
        '): ports: - "${ADDRESS:-127.0.0.1}:${PORT:-8000}:8000" removed',
        '.ports.1): "${ADDRESS:-127.0.0.1}:${PORT:-8000}:8000" → "127.0.0.1:${PORT:-8000}:8000"',
        '.ports.1): "${ADDRESS:-127.0.0.1}:${PORT:-8000}:8000" → "${ADDRESS:-127.0.0.1}:8000:8000"',
        '.ports.1): "${ADDRESS:-127.0.0.1}:${PORT:-8000}:8000" → "${PORT:-8000}:8000"',
        "): read_only: true removed",
        ".read_only): true → false",
        "): cap_drop: [ALL, OTHER] removed",
        ".cap_drop): [ALL, OTHER] → [OTHER]",
        ".cap_drop): [ALL, OTHER] → [ALL]",
        "): pids_limit: ${PIDS:-256} removed",
        ".pids_limit): ${PIDS:-256} → 256",
        ".pids_limit): ${PIDS:-256} → ${PIDS:-0}",
        ".pids_limit): ${PIDS:-256} → ${PIDS:-1}",
        ".pids_limit): ${PIDS:-256} → ${PIDS:-15360}",
        "): develop: watch: - action: rebuild path: . removed",
    }
    assert found["(services.web): read_only: true removed"] == COMPOSE.replace("    read_only: true\n", "")


def test_lines_of_the_other_files_are_removed_or_weakened() -> None:
    assert made("uwsgi.ini", "[uwsgi]\nmaster = true\nthreads = $(THREADS)\n", THREADS="4") == {
        "master = true removed": "[uwsgi]\nthreads = $(THREADS)\n",
        "master = true → master = false": "[uwsgi]\nmaster = false\nthreads = $(THREADS)\n",
        "threads = $(THREADS) removed": "[uwsgi]\nmaster = true\n",
        "threads = $(THREADS) → threads = 4": "[uwsgi]\nmaster = true\nthreads = 4\n",
    }
    assert made(".dockerignore", "# why\n**/a\nb\n") == {
        "**/a removed": "# why\nb\n", "**/a → a": "# why\na\nb\n", "b removed": "# why\n**/a\n",
    }  # fmt: skip
    script = '#!/bin/sh\nset -eu\ncase "${1:-web}" in\n    web)\n        exec a "$@"\n        ;;\nesac\n'
    assert set(made("entrypoint.sh", script)) == {
        "set -eu removed", "set -eu → set -e", "set -eu → set -u", "web) exec a \"$@\" ;; removed",
        'case "${1:-web}" in → case "$1" in', 'exec a "$@" removed', 'exec a "$@" → a "$@"', 'exec a "$@" → exec a',
    }  # fmt: skip


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_mutant_of_a_folder_is_another_file_with_a_name_of_its_own(folder: Folder) -> None:
    found = mutations.mutants(folder.path)
    assert len({mutant.id for mutant in found}) == len(found)
    whole = {name for name in FILES if (folder.path / name).exists()}
    assert whole <= {mutant.file for mutant in found} <= whole | set(MORE_FILES)
    for mutant in found:
        text = (folder.path / mutant.file).read_text()
        assert mutant.apply(text) != text
        if mutant.file == "gunicorn.conf.py":
            ast.parse(mutant.apply(text))


@pytest.mark.parametrize(
    ("folder", "file", "what"),
    [
        ("step-5-larger", "src/config/settings.py", "CSRF_COOKIE_SECURE = False"),
        ("extra-5-publishing", "sign.sh", "$REPOSITORY:latest"),
        ("extra-6-deploying", "Caddyfile", "keepalive 5s"),
        ("extra-6-deploying", "stack.yaml", "order: stop-first"),
        ("extra-6-deploying", "stack.yaml", "mode: 0444"),
        ("extra-7-platforms", "kubernetes/deployment.yaml", "sleep: { seconds: 0 }"),
        ("extra-7-platforms", "kubernetes/deployment.yaml", "terminationGracePeriodSeconds: 30"),
        ("final", "compose.yaml", "stop_grace_period: 30s"),
    ],
)
def test_what_a_colleague_would_propose_is_a_mutant(folder: str, file: str, what: str) -> None:
    assert [m for m in mutations.mutants(ROOT / folder) if m.file == file and what in m.what.partition(" → ")[2]]


def test_a_mutant_is_known_by_what_it_changes_not_by_its_line() -> None:
    text = "FROM x\nRUN a\nUSER 1\n"
    moved = "FROM x\n# a comment, and another instruction\nRUN b\nRUN a\nUSER 1\n"
    same = {"(last stage): USER 1 removed", "(last stage): RUN a removed", "(last stage): USER 1 → USER 0"}
    assert same <= set(made("Dockerfile", text)) & set(made("Dockerfile", moved))


def test_what_is_removed_with_the_end_of_the_line_before_belongs_to_its_own_line(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM x\nENV A=1 \\\n    B=2\nRUN a && \\\n    b\n")
    lines = {line: {mutant.what for mutant in found} for line, found in by_line(tmp_path / "Dockerfile").items()}
    assert "B=2 removed" in lines["B=2"]
    assert "A=1 removed" in lines["ENV A=1"]
    assert "b removed" in lines["b"]


RESULTS = json.loads(FILE.read_text())["folders"] if FILE.exists() else {}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_what_is_called_equivalent_is_a_mutant_that_no_run_has_killed(folder: Folder) -> None:
    reasons = mutations.equivalents(folder.name)
    assert reasons.keys() <= {mutant.id for mutant in mutations.mutants(folder.path)}
    killed = {name for name, entry in RESULTS.get(folder.name, {}).items() if entry["outcome"] == "killed"}
    assert not reasons.keys() & killed


STEP_4 = next(folder for folder in FOLDERS if folder.name == "step-4-nontrivial")
FROM_STEP_1 = 'gunicorn.conf.py: worker_tmp_dir = "/dev/shm" removed'


@pytest.mark.parametrize(
    ("outcome", "by", "taken_over"),
    [
        ("killed", "heartbeat-in-memory", True),
        ("killed", "single-stage", False),  # step 4 gives it up
        ("refused", "builder", True),
        ("survives", "", False),
    ],
)
def test_what_an_earlier_folder_answers_is_not_asked_again(outcome: str, by: str, taken_over: bool) -> None:
    entry = {"outcome": outcome, "by": by, "seen": ""}
    results = {"step-1-kiss": {FROM_STEP_1: entry, "no mutant of step 4": entry}}
    expected = {FROM_STEP_1: {**entry, "in_folder": "step-1-kiss"}} if taken_over else {}
    assert mutations.known(STEP_4, results) == expected
    count = mutations.figures(STEP_4, results)
    assert (count["killed"] + count["refused"], count["elsewhere"]) == (int(taken_over), int(taken_over))
    own = {FROM_STEP_1: {**entry, "by": "clean-logs"}}
    assert mutations.known(STEP_4, results | {"step-4-nontrivial": own}) == own, "asked itself, it says so itself"


def test_what_only_a_containers_start_reads_is_not_asked_again_in_another_file() -> None:
    extra_3 = next(folder for folder in FOLDERS if folder.name == "extra-3-precommit")
    entry = {"outcome": "killed", "by": "healthcheck", "seen": ""}
    whats = ("--interval=30s → --interval=1800s", "USER 10001 → USER 0")
    names = [f"Dockerfile (last stage): {what}" for what in whats]
    assert mutations.known(extra_3, {STEP_4.name: dict.fromkeys(names, entry)}).keys() == {names[0]}


def test_a_reason_holds_in_the_folders_that_build_on_the_one_it_names() -> None:
    named, later = mutations.equivalents("step-4-nontrivial"), mutations.equivalents("extra-3-precommit")
    assert named.items() & later.items()
    assert not {name for name in named.keys() - later.keys() if "(export)" not in name}


def test_the_reasons_name_folders_that_there_are() -> None:
    text = mutations.EQUIVALENTS.read_text()
    assert set(re.findall(r'"((?:step|extra|final)[\w-]*)"', text)) <= {folder.name for folder in FOLDERS}


def test_the_results_name_practices_or_tests_and_nothing_of_the_machine() -> None:
    for folder in FOLDERS:
        here = {mutant.id for mutant in mutations.mutants(folder.path)}  # of the others the next run forgets the result
        for name, entry in RESULTS.get(folder.name, {}).items():
            if name not in here:
                continue
            assert entry["outcome"] in {"killed", "survives", "refused"}, name
            assert entry["outcome"] != "killed" or entry["by"] in folder.holds or _is_test(entry["by"]), name
            assert entry["seen"] == presentable(entry["seen"]), name


def _is_test(name: str) -> bool:
    file, _, test = name.partition("::")
    return bool(test) and f"def {test}(" in (ROOT / path_of(file)).read_text()


def test_who_is_asked_where_every_practice_holds_is_there() -> None:
    assert all((ROOT / path_of(name)).exists() for _, names in TESTS for name in names)


def test_who_noticed_the_closest_mutant_is_asked_first(tmp_path: Path) -> None:
    results = mutate.Results(tmp_path / "none.json")
    results.noticed = {
        "Dockerfile (last stage): --retries=3 removed": {"hang-noticed"},
        "Dockerfile (last stage): PYTHONUNBUFFERED=1 removed": {"unbuffered-logs", "test_traps.py::test_it"},
        "compose.yaml (services.web): PYTHONUNBUFFERED: 1 removed": {"clean-logs"},
    }
    [mutant] = [m for m in mutations.mutants(STEP_4.path) if m.what == "PYTHONUNBUFFERED=1 → PYTHONUNBUFFERED=0"]
    assert results.closest(mutant)[:3] == ["test_traps.py::test_it", "unbuffered-logs", "hang-noticed"]
    task = results.task(STEP_4, mutant)
    assert task.likely.index("unbuffered-logs") < task.likely.index("hang-noticed") < mutate.CLOSEST
    assert task.tests == ("test_traps.py::test_it",)
    assert {*task.likely, *task.others} == STEP_4.holds


def test_who_says_what_a_mutant_is_about_is_asked_where_nobody_has_noticed_its_like(tmp_path: Path) -> None:
    results = mutate.Results(tmp_path / "none.json")
    results.noticed = {}
    mutant = next(m for m in mutations.mutants(ROOT / "final") if m.part == "workers_that_fit" and "memory" in m.what)
    assert "workers-fit-limits" in results.closest(mutant)[: mutate.CLOSEST]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("\x1b[31m/tmp/tutorial-0123abcd/tmpx1y2/final  https://x.y/z at 127.0.0.1:32771", "…/final … at localhost"),
        ("image\n0123456789abcdef", "image …"),
        ("executed was `/var/cache/x/run.4sTeBy/bin/docker compose`", "executed was `docker compose`"),
        ("var/lib/apt/lists/mirror.example_debian_InRelease", "var/lib/apt/lists/…_debian_InRelease"),
    ],
)
def test_what_is_seen_says_nothing_of_the_machine(said: str, shown: str) -> None:
    assert presentable(said) == shown


def test_an_image_that_is_the_same_concerns_those_who_build() -> None:
    mutant = of_text("Dockerfile", "FROM x\nRUN --mount=type=cache,target=/x y\n")[0]
    assert concerns(PRACTICES["cached-downloads"], mutant, same_image=True)
    assert not concerns(PRACTICES["healthcheck"], mutant, same_image=True)
    assert concerns(PRACTICES["healthcheck"], mutant, same_image=False)
    assert concerns(PRACTICES["tests-in-compose"], mutant, same_image=True)  # the tests have an image of their own


def test_a_test_that_is_red_anyway_kills_no_mutant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "repository"
    folder = replace(FOLDERS[0], path=root / FOLDERS[0].name)
    options = (
        "def pytest_addoption(parser):\n"
        "    parser.addoption('--step')\n"
        "    parser.addoption('--thorough', action='store_true')\n"
    )
    write_files(root, {"tests/conftest.py": options, f"{folder.name}/uwsgi.ini": "master = true\n"})
    for module, says in (("told.py", "'true' in"), ("red.py", "'nothing' in"), ("green.py", "'master' in")):
        test = f"def test_it():\n    assert {says} open('{folder.name}/uwsgi.ini').read(), 'it is gone'\n"
        write_files(root, {f"tests/system/{module}": test})
    monkeypatch.setattr(mutate, "ROOT", root)
    monkeypatch.setattr(repository, "ROOT", root)
    monkeypatch.setattr(engine, "SCRATCH", tmp_path)
    [mutant] = [m for m in of_text("uwsgi.ini", "master = true\n", {}) if "false" in m.id]
    task = Task(folder, mutant, (), (), ())
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # they would take most of the time
    test, seen = mutate.red_test(task, ["green.py", "told.py"]) or ("", "")
    assert test == "told.py::test_it"
    assert "it is gone" in seen
    with pytest.raises(RedAnyway, match=rf"red.py::test_it is red with {folder.name} as it is: .*it is gone"):
        mutate.red_test(task, ["red.py"])

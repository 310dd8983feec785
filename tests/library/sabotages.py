"""The sabotages: changes of a folder that turn practices red. Those with a symptom are the exercises, too.

The tests apply each of them and see its practices notice it; ``make exercise`` lays out a folder that has one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from . import tutorial
from .repository import copy_files
from .tutorial import Folder

FOLDERS = {folder.name: folder for folder in tutorial.load()}

# Lines that are only a comment, and in which files: comments say why something is there, and so what is missing.
COMMENTS = re.compile(r"^[ \t]*#(?!!).*\n", re.MULTILINE)
COMMENTED = {"", ".Dockerfile", ".py", ".yaml", ".ini", ".sh"}


@dataclass(frozen=True)
class Sabotage:
    """A change of one file, and the practices that must notice it.

    Args:
        old: a regular expression that matches what is replaced, once.
        reachable_with: environment that lets the other practices reach the app.
        symptom: what a user or an operator of the app would report; it makes this an exercise.
    """

    what: str
    folder: str
    file: str
    old: str
    new: str
    breaks: set[str]
    reachable_with: Mapping[str, str] = field(default_factory=dict)
    symptom: str = ""


def break_copy(path: Path, *sabotages: Sabotage) -> None:
    """Change a copy of a folder, and take away what would tell: the article, and comments.

    Raises:
        ValueError: a file has changed since, and its sabotage no longer fits.
    """
    for sabotage in sabotages:
        file = path / sabotage.file
        changed, count = re.subn(sabotage.old, sabotage.new, file.read_text())
        if count != 1:
            raise ValueError(f"{sabotage.old} is not in {sabotage.folder}/{sabotage.file} once: adapt the sabotage")
        file.write_text(changed)
    (path / "README.md").unlink()
    for file in path.rglob("*"):
        if file.is_file() and file.suffix in COMMENTED:
            file.write_text(COMMENTS.sub("", file.read_text()))


SABOTAGES = [
    Sabotage(
        "bound to 127.0.0.1",
        "step-1-kiss",
        "gunicorn.conf.py",
        r"0\.0\.0\.0",
        "{os.environ.get('HOST', '127.0.0.1')}",
        {"answers-curl"},
        reachable_with={"HOST": "0.0.0.0"},  # noqa: S104  in a container, all interfaces is the one to listen on
        symptom="The container runs and its log shows no error, but the browser says that the connection was reset.",
    ),
    Sabotage(
        "shell-form CMD",
        "step-1-kiss",
        "Dockerfile",
        r"\nCMD .*",
        "\nCMD gunicorn hello.main:app",
        {"graceful-stop"},
        symptom="Every deploy hangs for ten seconds, and visitors who wait for a page at that moment never get it.",
    ),
    Sabotage("no WORKDIR", "step-1-kiss", "Dockerfile", r"\nWORKDIR .*", "", {"own-directory"}),
    Sabotage(
        "a hotfix beside the lock",
        "step-2-poetry",
        "Dockerfile",
        r"&& poetry install",
        r"&& poetry add 'click<8.5'",
        {"locked-dependencies", "verified-hashes"},
        symptom="The security scan of the running container names an old version of a package. Our lock file has had a"
        " newer one for months.",
    ),
    Sabotage(
        "code copied before the dependencies",
        "step-3-basic",
        "Dockerfile",
        r"COPY pyproject\.toml poetry\.lock \./\n(RUN poetry install\n)[\s\S]*COPY \. \.",
        r"COPY . .\n\1",
        {"cached-dependencies"},
        symptom="I correct one word on a page, and wait for the build as long as on the first day.",
    ),
    # Where the code comes last, a changed file installs nothing again.
    Sabotage(
        "one request at a time",
        "step-3-basic",
        "gunicorn.conf.py",
        r"\nthreads = .*",
        "",
        {"concurrent-requests"},
    ),
    Sabotage(
        "workers' files on a disk",
        "step-3-basic",
        "gunicorn.conf.py",
        r"\nworker_tmp_dir = .*",
        "",
        {"heartbeat-in-memory"},
    ),
    Sabotage(
        "Git's files sent along",
        "step-3-basic",
        ".dockerignore",
        r"\n\.git\n\.gitignore",
        "",
        {"lean-context", "unrelated-changes"},
    ),
    Sabotage(
        "secrets left out at the root only",
        "step-3-basic",
        ".dockerignore",
        r"\*\*/\.env\n\*\*/\.env\.\*",
        ".env\n.env.*",
        {"lean-context"},
        symptom="A stranger wrote to us: a password is in the image that we published. Git has never seen that file.",
    ),
    Sabotage(
        "a health check that only connects",
        "step-4-nontrivial",
        "Dockerfile",
        r"import http\.client, os; [\s\S]*>= 500\)",
        r"import os, socket; socket.create_connection(('127.0.0.1', os.environ.get('PORT') or 8000))",
        {"errors-noticed", "hang-noticed"},
        symptom="Pages hang for minutes, and `docker ps` shows the container as healthy all the time.",
    ),
    Sabotage(
        "PYTHONUNBUFFERED removed",
        "step-4-nontrivial",
        "Dockerfile",
        r"PYTHONUNBUFFERED=1 \\\n +",
        "",
        {"unbuffered-logs"},
        symptom="While a request hangs, the log says nothing of it. What the app prints comes minutes later, or never.",
    ),
    Sabotage(
        "USER removed",
        "step-4-nontrivial",
        "Dockerfile",
        r"\nUSER .*",
        "",
        {"non-root"},
    ),
    Sabotage(
        "modes as in the folder",
        "step-4-nontrivial",
        "Dockerfile",
        r"RUN chmod .*\n",
        "",
        {"readable-code"},
    ),
    Sabotage(
        "hashes dropped and a dependency bumped",
        "step-4-nontrivial",
        "Dockerfile",
        r"RUN pip install --require-hashes .*",
        r"RUN grep -oE '^[a-z]+==[^ ]+' requirements.txt | sed 's/click==.*/click<8.5/' > loose.txt"
        r" && pip install -r loose.txt",
        {"locked-dependencies", "verified-hashes"},
    ),
    Sabotage(
        "health check of one port only",
        "step-4-nontrivial",
        "Dockerfile",
        r"os\.environ\.get\('PORT'\) or 8000",
        "8000",
        {"healthcheck-on-any-port"},
    ),
    Sabotage(
        "a health check that wants its page",
        "step-4-nontrivial",
        "Dockerfile",
        ">= 500",
        "!= 200",
        {"healthy-without-health-page"},
    ),
    Sabotage(
        "health check every half an hour",
        "step-4-nontrivial",
        "Dockerfile",
        "--interval=30s",
        "--interval=30m",
        {"hang-noticed"},
    ),
    Sabotage(
        "unhealthy at the first slow answer",
        "step-4-nontrivial",
        "Dockerfile",
        "--retries=3",
        "--retries=1",
        {"healthcheck-fair"},
    ),
    Sabotage(
        "PYTHONFAULTHANDLER removed",
        "step-4-nontrivial",
        "Dockerfile",
        r" \\\n    PYTHONFAULTHANDLER=1",
        "",
        {"crash-traceback"},
    ),
    # What the larger project adds cannot be seen to fail in the folders before it, which have no database.
    Sabotage(
        "the database in memory",
        "step-5-larger",
        "compose.yaml",
        r"volumes:\n      - db:(?=/var)",
        "tmpfs:\n      - ",
        {"keeps-data", "survives-database-restart"},
        symptom="After the server was updated, the guestbook is empty. All that people wrote is gone.",
    ),
    Sabotage(
        "static files without hashes",
        "step-5-larger",
        "src/config/settings.py",
        "Manifest",
        "",
        {"static-assets"},
        symptom="After a release, visitors see the new page in the old colours until they empty their browser's cache.",
    ),
    Sabotage(
        "migrations without a lock",
        "step-5-larger",
        "src/guestbook/management/commands/prepare_database.py",
        r"cursor\.execute\(\"SELECT pg_advisory_lock.*",
        "",
        {"migrates-on-start"},
    ),
    Sabotage(
        "no answer for an absent database",
        "step-5-larger",
        "src/config/settings.py",
        r".*DatabaseAway.*\n",
        "",
        {"survives-database-restart"},
    ),
    Sabotage(
        "modes as in the folder",
        "step-5-larger",
        "Dockerfile",
        r"chmod -R a\+rX \. && ",
        "",
        {"readable-code"},
    ),
    Sabotage(
        "settings copied before the packages",
        "step-5-larger",
        "Dockerfile",
        r"(COPY --from=build /venv /venv\n)(COPY entrypoint\.sh .*\n)",
        r"\2\1",
        {"cached-dependencies"},
    ),
    Sabotage(
        "secrets not looked at",
        "step-5-larger",
        "src/config/settings.py",
        "if not DEVELOPMENT and",
        "if False and",
        {"refuses-default-secrets", "test-target"},  # the project's own tests see it, too
    ),
    Sabotage(
        "tests whose failures stop nothing",
        "step-5-larger",
        "Dockerfile",
        r"(?<=--ds=tests\.sqlite_settings)",
        " || true",
        {"test-target"},
    ),
    Sabotage(
        "tests that everybody starts",
        "step-5-larger",
        "compose.yaml",
        r"    profiles: \[test\]\n",
        "",
        {"tests-in-compose"},
    ),
    Sabotage(
        "saved files brought to where nobody looks",
        "step-5-larger",
        "compose.yaml",
        r"target: /app/src",
        "target: /app/source",
        {"watched"},
    ),
    Sabotage(
        "a commit that nobody passes on",
        "step-5-larger",
        "compose.yaml",
        r" +GIT_COMMIT: .*\n",
        "",
        {"knows-its-version"},
    ),
    Sabotage(
        "a shell between the engine and the development server",
        "step-5-larger",
        "entrypoint.sh",
        r'(?<=set -- )(python src/manage\.py runserver) "0\.0\.0\.0:\$PORT"',
        r"sh -c '\1 0.0.0.0:$PORT; true'",
        {"entrypoint-modes"},
    ),
    Sabotage(
        "headers where libraries are enough",
        "extra-1-compiling",
        "Dockerfile",
        r"libpcre2-8-0 libpq5",
        "gcc libc6-dev libpcre2-dev libpq-dev",
        {"no-compiler", "small-image"},
        symptom="The image has doubled in size since last month, and the security scan lists programs that the app"
        " never starts. The app itself has not changed.",
    ),
    Sabotage(
        "packages not compiled",
        "extra-2-caching",
        "Dockerfile",
        r"UV_COMPILE_BYTECODE=1 ",
        "",
        {"precompiled"},
        symptom="When many visitors come at once, new containers start. Each takes longer to its first answer than last"
        " month, and a whole processor for it.",
    ),
    Sabotage(
        "downloads in no cache mount",
        "extra-2-caching",
        "Dockerfile",
        r"--mount=type=cache,target=/root/\.cache/uv \\\n +",
        "",
        {"cached-downloads"},
        symptom="We update one package, and the build downloads all of them again.",
    ),
    Sabotage(
        "standard library not compiled",
        "extra-2-caching",
        "Dockerfile",
        r"RUN python -m compileall .*/python3\.\*\n",
        "",
        {"precompiled"},
    ),
    Sabotage(
        "what uv leaves behind",
        "extra-2-caching",
        "Dockerfile",
        r" && rm /venv/\.lock",
        "",
        {"no-world-writable"},
    ),
    Sabotage(
        "bytecode that stands for any code",
        "extra-2-caching",
        "Dockerfile",
        r"(?<=--invalidation-mode )checked-hash(?= \.)",
        "unchecked-hash",
        {"mounted-code-runs"},
    ),
    Sabotage(
        "app not compiled",
        "extra-2-caching",
        "Dockerfile",
        r"(?<=a\+rX \.) && python -m compileall -q --invalidation-mode checked-hash \.",
        "",
        {"precompiled"},
    ),
    Sabotage(
        "export hook that writes elsewhere",
        "extra-3-precommit",
        ".pre-commit-config.yaml",
        r"export --output requirements\.txt",
        "export --output /dev/null",
        {"requirements-in-sync"},
        symptom="We updated a package because of a security notice, and every check before the commit passed. The"
        " container still runs the old version.",
    ),
    Sabotage(
        "read_only removed",
        "final",
        "compose.yaml",
        r"  read_only: true\n",
        "",
        {"data-volume", "read-only-rootfs"},
        symptom="Somebody broke in and left a program beside our code. It ran there until the next deploy.",
    ),
    Sabotage(
        "a setting that nobody can set",
        "final",
        "gunicorn.conf.py",
        r"os\.environ\.get\(\"KEEP_ALIVE\"\) or 5",
        "5",
        {"bad-config-refused", "configured-by-env"},
        symptom="Behind the load balancer, now and then a visitor gets error 502: the app closes connections that the"
        " balancer still uses. We have set the time to 65 seconds, as its manual says, and nothing has changed.",
    ),
    Sabotage(
        "capabilities kept",
        "final",
        "compose.yaml",
        r"  cap_drop: .*\n",
        "",
        {"no-capabilities"},
    ),
    Sabotage(
        "as many workers as the machine has CPUs",
        "final",
        "gunicorn.conf.py",
        r"or workers_that_fit\(\)",
        "or os.cpu_count()",
        {"workers-fit-limits"},
    ),
    Sabotage(
        "memory not looked at",
        "final",
        "gunicorn.conf.py",
        r"if memory := limit\(\"memory\.max\"\):",
        "if memory := []:",
        {"workers-fit-limits"},
    ),
    Sabotage(
        "commit not passed on",
        "final",
        "compose.yaml",
        r" +org.*revision: .*\n",
        "",
        {"labelled"},
    ),
    Sabotage(
        "bytecode with times",
        "final",
        "Dockerfile",
        r"(?<= )checked-hash \.",
        "timestamp .",
        {"repeatable-build"},
    ),
    Sabotage(
        "modes as in the folder",
        "final",
        "Dockerfile",
        r" && chmod -R a\+rX \.",
        "",
        {"readable-code"},
    ),
    Sabotage(
        "health check of one port only",
        "final",
        "Dockerfile",
        r"os\.environ\.get\('PORT'\) or 8000",
        "8000",
        {"healthcheck-on-any-port"},
    ),
    Sabotage(
        "a user without a group",
        "final",
        "Dockerfile",
        r"USER 10001:10001",
        "USER 10001",
        {"non-root"},
    ),
    Sabotage(
        "tests left in",
        "final",
        "Dockerfile",
        r"rm -rf tests ",
        "rm -rf ",
        {"no-tests-in-image"},
    ),
    Sabotage(
        "packages of the tests after the code",
        "final",
        "Dockerfile",
        "FROM build AS test-packages",
        "FROM code AS test-packages",
        {"tests-after-a-change"},
    ),
    Sabotage(
        "one file mounted, and not the folder",
        "extra-4-developing",
        "compose.yaml",
        r"(?<=volumes: \[\")\./hello:/app/hello:ro(?=\"\]\n    develop)",
        "./hello/main.py:/app/hello/main.py:ro",
        {"live-reload"},
        symptom="With nano, what I save is there at once. I have another editor now: I save, and the app answers as"
        " before.",
    ),
    Sabotage(
        "saved files copied into the container",
        "extra-4-developing",
        "compose.yaml",
        r"    volumes: \[\"\./hello:/app/hello:ro\"\]\n(    develop: .*\n +watch: )\[",
        r"\1[{ action: sync, path: hello, target: /app/hello }, ",
        {"live-reload"},
    ),
    Sabotage(
        "nothing reloads",
        "extra-4-developing",
        "compose.yaml",
        r"uvicorn --reload",
        "uvicorn",
        {"live-reload"},
    ),
    Sabotage(
        "packages watched by nobody",
        "extra-4-developing",
        "compose.yaml",
        r"path: requirements\.txt",
        "path: poetry.lock",
        {"live-reload"},
    ),
    Sabotage(
        "a debugger for everybody",
        "extra-4-developing",
        "compose.debug.yaml",
        r"127\.0\.0\.1:\$",
        "$",
        {"debuggable"},
        symptom="In the café, somebody at the next table stopped my app, and read what was in it.",
    ),
    Sabotage(
        "deployed by a name that can move",
        "extra-5-publishing",
        "compose.release.yaml",
        r"(?<=REPOSITORY:\?release\.env has it\})@sha256:\S+",
        ":1.0",
        {"published-by-digest"},
    ),
    Sabotage(
        "tested with what was saved since",
        "extra-5-publishing",
        "publish.sh",
        r'cd "\$frozen"\n',
        "",
        {"published-by-digest"},
    ),
    Sabotage(
        "signed for whatever repository",
        "extra-5-publishing",
        "compose.release.yaml",
        r" +--annotations repository=\$\{REPOSITORY\}",
        "     ",
        {"signed"},
    ),
    Sabotage(
        "another build than the tested one",
        "extra-5-publishing",
        "publish.sh",
        r'docker tag "\$id" "\$1"',
        'echo "FROM $(docker compose config --images web)" | docker build --label built=again --tag "$1" -',
        {"published-by-digest"},
    ),
    Sabotage(
        "deployed beside its verification",
        "extra-5-publishing",
        "compose.release.yaml",
        r"service_completed_successfully",
        "service_started",
        {"signed"},
        symptom="A neighbour has the password of our registry. Since last night our own server runs their image.",
    ),
    Sabotage(
        "verified too late",
        "extra-5-publishing",
        "deploy.sh",
        r"release run --rm --no-TTY verify\n",
        "",
        {"signed"},
    ),
    Sabotage(
        "an SBOM of what the tests need",
        "extra-5-publishing",
        "Dockerfile",
        r"--output-file /tmp/bom\.json /production",
        "--output-file /tmp/bom.json /venv",
        {"bill-of-materials"},
        symptom="Our customer asks why a web server contains pytest. It does not; but our list says so.",
    ),
    Sabotage(
        "published whatever it is built on",
        "extra-5-publishing",
        "publish.sh",
        r'\[ -z "\$stand_in" \] \|\|',
        "true ||",
        {"no-stand-in"},
    ),
    # Seen before anything is deployed.
    Sabotage(
        "as patient as Swarm by itself",
        "extra-6-deploying",
        "stack.yaml",
        r"    stop_grace_period: 40s\n",
        "",
        {"rolls-without-loss"},
    ),
    Sabotage(
        "addresses that are kept for a minute",
        "extra-6-deploying",
        "Caddyfile",
        r"refresh 1s",
        "refresh 1m",
        {"rolls-without-loss"},
        symptom="Each new version starts well. Then visitors get errors, and after a minute all is fine again.",
    ),
    Sabotage(
        "a way past the proxy",
        "extra-6-deploying",
        "compose.tls.yaml",
        r"    ports: !reset \[\]\n",
        "",
        {"proxy-alone"},
        symptom="We have a certificate, and a firewall that lets two ports through. A stranger sent us a password that"
        " he had read on its way to us.",
    ),
    Sabotage(
        "a readiness probe of another path",
        "extra-7-platforms",
        "kubernetes/deployment.yaml",
        r"(?<=readinessProbe:\n            httpGet: \{ path: )/health",
        "/healthz",
        {"fits-kubernetes"},
        symptom="On Kubernetes, my update never ends. The new pod runs, its log shows no error, and nobody gets there.",
    ),
    Sabotage(
        "another user than the image's",
        "extra-7-platforms",
        "kubernetes/deployment.yaml",
        r"runAsUser: 10001",
        "runAsUser: 1000",
        {"fits-kubernetes"},
    ),
    Sabotage(
        "a Service of another port",
        "extra-7-platforms",
        "kubernetes/service.yaml",
        r"targetPort: http",
        "targetPort: 8080",
        {"fits-kubernetes"},
    ),
    Sabotage(
        "no time left after the pause",
        "extra-7-platforms",
        "kubernetes/deployment.yaml",
        r"terminationGracePeriodSeconds: 40",
        "terminationGracePeriodSeconds: 30",
        {"fits-kubernetes"},
    ),
    Sabotage(
        "a migration that may run as root",
        "extra-7-platforms",
        "kubernetes/migrate.yaml",
        r"        runAsNonRoot: true\n",
        "",
        {"restricted-pods"},
    ),
    Sabotage(
        "as patient as everywhere, on Cloud Run",
        "extra-7-platforms",
        "cloudrun.yaml",
        r'value: "8"',
        'value: "30"',
        {"fits-other-platforms"},
        symptom="On Cloud Run, whoever waits for a large report gets an error when I deploy, and the server's log does"
        " not say that it stopped.",
    ),
    Sabotage(
        "a visitor's HTTPS believed from nobody",
        "extra-7-platforms",
        "containerapp.yaml",
        r" +- \{ name: FORWARDED_ALLOW_IPS, value: \"\*\" \}\n",
        "",
        {"fits-other-platforms"},
    ),
    Sabotage(
        "connections closed before the Gateway closes them",
        "extra-7-platforms",
        "kubernetes/deployment.yaml",
        r'value: "3700"',
        'value: "75"',
        {"fits-kubernetes"},
    ),
    Sabotage(
        "as patient as Fly.io by itself",
        "extra-7-platforms",
        "fly.toml",
        r'kill_timeout = "40s"\n',
        "",
        {"fits-other-platforms"},
    ),
    Sabotage(
        "Fly.io's own signal",
        "extra-7-platforms",
        "fly.toml",
        r'kill_signal = "SIGTERM"\n',
        "",
        {"fits-other-platforms"},
    ),
    Sabotage(
        "another port on Azure",
        "extra-7-platforms",
        "containerapp.yaml",
        r"targetPort: 8000",
        "targetPort: 80",
        {"fits-other-platforms"},
    ),
]


@dataclass(frozen=True)
class Exercise:
    """A sabotage to find and repair; they are numbered from 1, in the order of the folders."""

    number: int
    sabotage: Sabotage

    @property
    def folder(self) -> Folder:
        return FOLDERS[self.sabotage.folder]

    @property
    def slug(self) -> str:
        """The name of its directory, and so of its compose project: another one than the folder's own."""
        return f"{self.number}-{self.folder.name}"

    def lay_out(self, path: Path) -> None:
        """Write the broken copy of the folder."""
        copy_files(self.folder.path, path)
        break_copy(path, self.sabotage)

    def solve(self, path: Path) -> None:
        """Put the folder's own files in place of the broken ones."""
        copy_files(self.folder.path, path)


EXERCISES = [
    Exercise(number, sabotage)
    for number, sabotage in enumerate(
        sorted((s for s in SABOTAGES if s.symptom), key=lambda s: list(FOLDERS).index(s.folder)), start=1
    )
]

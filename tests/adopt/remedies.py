"""What a trial shows, what is done about it, and which page explains it: a row each, and a test for each row.

The first row that matches a log and changes the draft is applied; then the draft is tried again. A new report becomes a
new row.
"""

import base64
import os
import re
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.utils import canonicalize_name

from library.dockerfile import Dockerfile
from library.locks import own_name
from library.markdown import blocks

from . import guess, hooks
from .draft import AFTER_COPY, IN_PRODUCTION, WORKER_CLASS, Draft, lacking
from .lists import local_names, make_source, name_of, run_beside
from .services import mounted
from .trial import Failure

WRONG = "reference-final/README.md, What goes wrong"
USE = "final/README.md, Use it in your project"
SETTINGS = "reference-final/README.md, Settings"

# A header or a program that a compilation misses: what brings it, besides the compiler, and what production needs then.
HEADERS = (
    (r"pg_config|libpq-fe\.h", "libpq-dev", "libpq5"),
    (r"mysql(?:_config|client|\.h)|valid pkg-config name", "pkg-config default-libmysqlclient-dev", "libmariadb3"),
    (r"ffi\.h", "libffi-dev", ""),
    (r"openssl/", "libssl-dev", ""),
    (r"libxml/|xml2-config|libxml2|xslt", "libxml2-dev libxslt1-dev", "libxml2 libxslt1.1"),
    (r"(?:lber|ldap|sasl/sasl)\.h", "libldap-dev libsasl2-dev", "libldap2"),
    (r"sqlfront\.h|sybdb", "freetds-dev", "libsybdb5"),
    (r"\bsql\.h", "unixodbc-dev", "libodbc2"),
    (r"jpeg", "libjpeg-dev zlib1g-dev", "libjpeg62-turbo"),
    (r"zlib", "zlib1g-dev", ""),
    (r"cairo", "pkg-config libcairo2-dev", "libcairo2"),
    (r"krb5-config|gssapi", "libkrb5-dev", "libgssapi-krb5-2"),
    (r"libmemcached", "libmemcached-dev zlib1g-dev", "libmemcached11"),
    (r"rdkafka", "librdkafka-dev", "librdkafka1"),
    (r"portaudio", "portaudio19-dev", "libportaudio2"),
    (r"cargo|[Rr]ust", "cargo", ""),
    (r"[Cc]Make|cmake", "cmake", ""),
    (r"\bgit\b", "git", ""),
)
# Libraries and programs whose Debian package is not called as they are.
PANGO = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core"
LIBRARIES = {
    "libgobject-2.0": PANGO,
    "libpango-1.0": PANGO,
    "libgthread-2.0": "libglib2.0-0",
    "libGL.so": "libgl1 libglib2.0-0",
    "libjpeg.so": "libjpeg62-turbo",
    "libcairo": "libcairo2",
    "cairo-2": "libcairo2",
    "GDAL": "gdal-bin",
    "libmagic": "libmagic1",
    "pq wrapper": "libpq5",
    "libzbar": "libzbar0",
    "zbar": "libzbar0",
    "tesseract": "tesseract-ocr",
    "pdftoppm": "poppler-utils",
    "pdfinfo": "poppler-utils",
    "exiftool": "libimage-exiftool-perl",
    "soffice": "libreoffice",
    "ps": "procps",
    "convert": "imagemagick",
}
PROGRAMS = {"curl", "ffmpeg", "ffprobe", "git", "graphviz", "pandoc", "wkhtmltopdf", *LIBRARIES}
# Modules that Python's library has no more, by the last version that has them.
GONE = {11: "asynchat|asyncore|distutils|imp|smtpd", 12: "cgi|cgitb|crypt|imghdr|nntplib|pipes|sndhdr|telnetlib|uu"}
# Packages that are made for Windows alone.
WINDOWS = "pywin32|pywinpty|pywin32-ctypes|pypiwin32|winshell|comtypes|twisted-iocpsupport|wmi"
# Packages by the name of a module, where an error names the module alone.
PACKAGES = {
    "distutils": "setuptools<81",
    "pkg_resources": "setuptools<81",
    "python-multipart": "python-multipart",
    "email-validator": "email-validator",
    "psycopg2": "psycopg2-binary",
}


@dataclass(frozen=True)
class Case:
    """What a row has matched: the draft and its failure, the line and its number, and the name that is in it."""

    draft: Draft
    failure: Failure
    line: str
    number: int
    name: str

    @property
    def reads(self) -> dict[str, str]:
        return names_read(self.draft.folder)


@dataclass(frozen=True)
class Remedy:
    """One row."""

    name: str  # what is wrong
    stages: str  # where it is looked for, separated by blanks
    mend: Callable[[Case], str]  # changes the draft, and says in a line what it did; if nothing, nobody hears of it
    taught: str  # the page that explains it
    pattern: str  # what a log shows then; what the first group that takes part captures is `Case.name`


def mend(draft: Draft, failure: Failure) -> str:
    """Apply the first row that changes something; what was done, or nothing."""
    for remedy in REMEDIES:
        if failure.stage not in remedy.stages.split():
            continue
        # A line at a time: a compiler's log is long, and has long lines.
        for number, line in enumerate(failure.lines):
            if not (match := re.search(remedy.pattern, line)):
                continue
            before = draft.state()
            name = next(filter(None, match.groups()), "")
            done = remedy.mend(Case(draft, failure, line.strip()[:120], number, name))
            if done and draft.state() != before:
                draft.done.append(done)
                return f"{done} ({remedy.taught})"
    return ""


def foresee(draft: Draft) -> None:
    """Do what the project's files show before any trial: what would be missing silently."""
    folder = draft.folder
    draft.bring_services(names_read(folder))
    if settings := guess.production_settings(draft.project, draft.app):
        draft.give("DJANGO_SETTINGS_MODULE", settings)
    code = guess.code_of(folder)
    served = re.search(r"whitenoise|ManifestStaticFiles", code, re.IGNORECASE)
    committed = any(folder.rglob("staticfiles.json"))  # what was collected, from sources that a build has made
    set_root = re.search(r"^ *STATIC_ROOT *=", code, re.MULTILINE)
    if draft.app.framework == "django" and served and set_root and not committed:
        collect(draft)
    if any(re.search(MIGRATES, text) for text in guess.starting(guess.repository(draft.project))):
        draft.hoped = migrating(draft)
    bases = (stage.base for text in guess.starting(draft.project) for stage in Dockerfile(text).stages)
    draft.node = next((base for base in bases if re.search(r"\b(?:node|bun)\b", base)), "")
    if "MultiProcessCollector" in code:
        draft.append("gunicorn.conf.py", "\n" + blocks(hooks.PAGE.read_text(), "Prometheus", "python")[0])
    table = guess.pyproject(folder)
    name = own_name(folder)
    declared = table.get("project", {}).keys() & {"entry-points", "scripts"}
    # Of importlib.metadata; a file beside the code is read by importlib.resources, which needs no installation.
    asks = re.search(rf"\b(?:version|metadata|distribution|require)\(.*(?:{re.escape(name)}|__package__)", code)
    knows = re.search("importlib.metadata|pkg_resources", code)
    if name and "build-system" in table and (declared or (asks and knows)):
        install_itself(draft)


# What the rows do.


def other_python(case: Case) -> str:
    """The next version of Python that the project allows, where this one's image cannot be had."""
    draft = case.draft
    draft.without_image.append(draft.version)
    draft.looked_for_wheels = False  # among the others, which may not be known yet
    if len(draft.versions) < 2:
        return ""
    gone, *draft.versions = draft.versions
    # Whoever asked for an old one is nearest to its successor.
    newer = [version for version in reversed(newest_first(draft.versions)) if minor(version) > minor(gone)]
    draft.set_version((newer or draft.versions)[0])
    return f"no image of Python {gone} can be had: Python {draft.version}"


def older_python(case: Case) -> str:
    """The next older version of Python that the project allows, and that has the module which is missing."""
    if "distutils" in case.line and case.failure.stage not in ("lists", "build"):
        return ""  # setuptools has it
    draft, gone = case.draft, case.draft.version
    last = next((last for last, names in GONE.items() if re.search(rf"module named '(?:{names})\b", case.line)), 99)
    older = [version for version in newest_first(draft.versions) if minor(version) <= min(minor(gone) - 1, last)]
    if not older:
        return ""
    draft.too_new = draft.too_new or case.failure.cause
    draft.versions = older
    draft.set_version(older[0])
    return f"Python {gone} is too new for a package ({case.line}): Python {older[0]}"


def of_its_time(case: Case) -> str:
    """The packages as they were when the project was last changed, where its list does not say which."""
    draft, day = case.draft, guess.last_change(case.draft.project)
    if draft.manager or draft.until or not day:
        return ""
    asks = "\n".join(case.failure.lines[max(0, case.number - 3) : case.number])
    if re.search(r"No module named '\w+'", case.line) and "/site-packages/" not in asks:
        return ""  # the project's own code asks for a module that no list has
    draft.until = day
    draft.too_new = case.line
    draft.looked_for_wheels = False
    # Python 3.14 came in October 2025, and each October has brought the next one.
    year, month = map(int, day.split("-")[:2])
    versions = newest_first(draft.versions)
    of_then = [version for version in versions if minor(version) <= year - 2012 + (month >= 10)]
    draft.set_version((of_then or versions[-1:])[0])
    return (
        f"a package is newer than the code ({case.line}): "
        f"the packages of {day}, the project's last change, and Python {draft.version}"
    )


def minor(version: str) -> int:
    return int(version.partition(".")[2])


def newest_first(versions: list[str]) -> list[str]:
    return sorted(versions, key=minor, reverse=True)


def lock_anew(case: Case) -> str:
    """A lock that fits; versions stay where they can."""
    manager = case.draft.manager
    if not manager or not manager.lock:
        return ""
    run_beside(case.draft.folder, case.draft.base, [manager.lock], case.draft.compilers)
    return f"{manager.locks[0]} could not be exported: `{manager.lock}`"


def for_this_alone(case: Case) -> str:
    """The list for this Python and Linux, where its versions fit no other."""
    if case.draft.manager:
        return ""
    case.draft.universal = False
    return f"the list does not fit where {case.name}: without --universal"


def windows_only(case: Case) -> str:
    """A package that Windows alone has, as `pip freeze` writes it down there."""
    if case.draft.manager:
        return ""
    name, source = case.name, make_source(case.draft.folder)
    line = re.compile(rf"^({re.escape(name)}\s*[=<>~!][^;#\n]*?|{re.escape(name)})\s*$", re.MULTILINE | re.IGNORECASE)
    source.write_text(line.sub(r'\1 ; sys_platform == "win32"', source.read_text()))
    return f'{name} is for Windows alone: requirements.in says ; sys_platform == "win32"'


def compiler(case: Case) -> str:
    """The compiler's line, with the headers that the log names, and what production needs of them."""
    # pkg-config alone is missed: the rest of the log says for what.
    text = case.failure.text if "pkg-config" in case.line else case.line
    rows = [(headers, libraries) for pattern, headers, libraries in HEADERS if re.search(pattern, text)]
    case.draft.install_compiler(" ".join(headers for headers, _ in rows).split())
    case.draft.install(" ".join(libraries for _, libraries in rows).split())
    return f"a package has no wheel ({case.line}): the line with the compiler, {' '.join(case.draft.compilers)}"


def library(case: Case) -> str:
    """The Debian package of a library that production misses."""
    name = case.name
    packages = next((packages for start, packages in LIBRARIES.items() if name.startswith(start)), "")
    if not packages:
        # libodbc.so.2 is in libodbc2, libglib-2.0.so.0 in libglib2.0-0.
        stem, _, version = name.partition(".so.")
        version = version.partition(".")[0]
        stem = re.sub(r"-(?=\d)", "", stem) if not stem.startswith("libpango") else stem
        packages = f"{stem}{'-' if stem[-1:].isdigit() else ''}{version}".lower().replace("_", "-")
    return installed(case, name, packages)


def program(case: Case) -> str:
    name = Path(case.name).name
    return installed(case, f"the program {name}", LIBRARIES.get(name, name)) if name in PROGRAMS else ""


def installed(case: Case, missing: str, packages: str) -> str:
    case.draft.install(packages.split())
    return f"{missing} is missing: Debian's {packages} in production"


def collect(draft: Draft) -> str:
    """Take the # from the line with collectstatic; it names production's settings, and manage.py where that is."""
    if not draft.uncomment("Dockerfile", "# RUN SECRET_KEY="):
        return ""
    settings = guess.production_settings(draft.project, draft.app)
    given = f"DJANGO_SETTINGS_MODULE={settings} " if settings else ""
    draft.set("Dockerfile", "python manage.py collectstatic", given + manage(draft.folder, "collectstatic"))
    return "static files get hashed names: the line with collectstatic"


def compress_static(case: Case) -> str:
    """The line of django-compressor beside the one with collectstatic."""
    collect(case.draft)
    line = case.draft.find("Dockerfile", r"^RUN .*manage\.py collectstatic.*$")
    compress = line.replace("collectstatic --no-input", "compress --force")
    if not line or compress in case.draft.read("Dockerfile"):
        return ""
    case.draft.replace("Dockerfile", line, f"{line}\n{compress}")
    return "static files are compressed in advance: the line with compress"


def failing_instruction(failure: Failure) -> str:
    """The instruction that stopped a build."""
    lines = re.findall(r"process \"(.*)\" did not complete|^ > \[(.*)\]:?$|^ >>> (.*)$", failure.text, re.MULTILINE)
    return " ".join(part for line in lines for part in line)


def without(line: str, done: str) -> Callable[[Case], str]:
    """A remedy that takes a line from the Dockerfile, where that is what stops the build."""

    def comment_out(case: Case) -> str:
        instruction = case.draft.find("Dockerfile", rf"^RUN .*{line}.*$")
        if not instruction or not re.search(line, failing_instruction(case.failure)):
            return ""
        case.draft.replace("Dockerfile", f"\n{instruction}\n", f"\n# {instruction}\n")
        return done.format(case.failure.cause[:120])

    return comment_out


def names_read(folder: Path) -> dict[str, str]:
    """The variables that a project's code reads, and the values that its own example of them gives, if there is one."""
    names: dict[str, str] = {}
    # Not `app.config["NAME"]`, which is Flask's own.
    places = r"(?:environ(?:_name|\.get|\.setdefault)?|getenv|config(?!\s*\[)|env(?:\.\w+)?|Config)"
    reads = rf"{places}\W{{1,3}}[\"']([A-Z][A-Z0-9_]{{2,}})[\"']"
    line = r"^(?:export )?([A-Za-z_]\w*) *= *[\"']?(.*?)[\"']?\s*(?:\s#.*)?$"
    for path in guess.python_files(folder):
        names |= dict.fromkeys(re.findall(reads, guess.text_of(path)), "")
    for path in sorted(folder.glob("*env*")) + sorted(folder.glob(".env*")) + sorted(folder.glob("*/.env*")):
        if path.is_file() and re.search(r"example|sample|dist|template|default", path.name):
            pairs = re.findall(line, guess.text_of(path), re.MULTILINE)
            names |= {name: value for name, value in pairs if "<" not in value}
    return names


MADE_UP = "for-this-trial-only-" + "x" * 32
# Values that an app may accept, by what the names of variables contain.
VALUES = (
    (r"ALLOWED_HOSTS|TRUSTED_HOSTS", "localhost,127.0.0.1"),
    (r"ORIGIN", "http://localhost"),
    (r"DATABASE_UR[IL]|DB_UR[IL]|SQLALCHEMY|SQLITE", "sqlite:////tmp/adopt.db"),
    (r"REDIS.*UR[IL]|BROKER|CELERY", "redis://localhost:6379/0"),
    (r"SENTRY", "https://key@localhost/1"),
    (r"MONGO.*UR[IL]", "mongodb://localhost:27017/adopt"),
    (r"FERNET|ENCRYPTION_KEY", base64.urlsafe_b64encode(b"a key for this trial, and no oth").decode()),
    (r"ALGORITHM", "HS256"),
    (r"DEBUG|^USE_|^ENABLE|_ENABLED$|_TLS$|_SSL$", "false"),
    (r"PORT$|MINUTES|SECONDS|HOURS|DAYS|EXPIRE|TIMEOUT|LIMIT|SIZE|COUNT|_ID$|MAX_", "30"),
    (r"HOST$|SERVER$", "localhost"),
    (r"EMAIL|MAIL_(?:FROM|SENDER)", "somebody@example.org"),
    (r"UR[IL]$|ENDPOINT", "http://localhost"),
    (r"PATH$|DIR$|FOLDER$", "/tmp"),  # noqa: S108  in the container
)


def value_for(name: str, example: str = "") -> str:
    """A value of a variable for a trial: the project's own example, or one of its kind."""
    made_up = next((value for kind, value in VALUES if re.search(kind, name.upper())), "")
    if re.search(r"://(?!localhost)|^sqlite:///(?!/)", example):  # nothing answers there, or nothing can be written
        return made_up or re.sub(r"(?<=@)[\w.-]+|(?<=://)[\w.-]+(?=[:/]\w*$|$)", "localhost", example)
    return example or made_up or MADE_UP


def demand(case: Case, name: str = "") -> str:
    """Let compose.yaml demand a variable, by default the one that the log names; the build has it in its own line."""
    draft, name = case.draft, name or case.name
    value = value_for(name, case.reads.get(name, ""))
    if case.failure.stage == "build":
        if "collectstatic" not in failing_instruction(case.failure) or f" {name}=" in draft.read("Dockerfile"):
            return ""
        draft.set("Dockerfile", r"(?<=^RUN SECRET_KEY=for-this-line-only)", f" {name}={shlex.quote(value)}")
        return f"collectstatic wants {name}: a made-up value in its line"
    if name in draft.made_up or name in draft.given:
        return ""
    draft.demand(name, value)
    return f"the app wants {name}: compose.yaml demands it"


def of_compose(case: Case) -> str:
    """A value for the trial, where the compose file demands a variable already."""
    if case.name not in case.draft.made_up:
        case.draft.demand(case.name, value_for(case.name, case.reads.get(case.name, "")))
    return f"compose.yaml demands {case.name}"


def fields(case: Case) -> str:
    """The variables that settings of pydantic's miss: fields, whose names may be in small letters."""
    names = re.findall(r"^(\w+)\n +Field required", case.failure.text, re.MULTILINE) or named_in(case)
    known = {name.upper(): name for name in case.reads}
    prefix = next(iter(re.findall(r"env_prefix\s*=\s*[\"'](\w+)", guess.code_of(case.draft.folder))), "")
    lines = [demand(case, known.get(name.upper(), (prefix + name).upper())) for name in names]
    return "; ".join(filter(None, lines))


def named_in(case: Case) -> list[str]:
    """The field that a refusal is about, if one is called as a word of it: SENTRY_DSN, at "Sentry is not set"."""
    words = re.findall(r"\w+", case.line.lower().partition("value error, ")[2].partition(" [")[0])
    modules = map(guess.text_of, guess.python_files(case.draft.folder))
    code = "\n".join(text for text in modules if "BaseSettings" in text)
    names = re.findall(r"^ +([a-zA-Z]\w*) *: *\w", code, re.MULTILINE)
    return [name for name in names if "_" in name and name.lower().partition("_")[0] in words][:1]


def mentioned(case: Case) -> str:
    """Variables that the code reads and that the failing lines or their message are about."""
    known = case.reads.keys() - case.draft.made_up.keys()
    # The message first, then the lines from the innermost on.
    for line in reversed(first_traceback(case.failure.text)):
        for name in re.findall(r"\b[A-Z][A-Z0-9_]{2,}\b", line):
            if name in known and (done := demand(case, name)):
                return done
    return ""


def first_traceback(text: str) -> list[str]:
    """The lines of the first exception's traceback."""
    lines = text.partition("Traceback (most recent call last)")[2].splitlines()
    exceptions = (number for number, line in enumerate(lines) if number and line[:1].strip())
    return lines[: next(exceptions, len(lines)) + 1]


def of_kind(kind: str, first: str) -> Callable[[Case], str]:
    """A remedy that demands the variable of this kind: of several, one that says more, and else the shortest."""

    def demand_it(case: Case) -> str:
        names = [name for name in case.reads if re.search(kind, name)]
        names.sort(key=lambda name: (not re.search(first, name), len(name)))
        return demand(case, names[0]) if names else ""

    return demand_it


TYPES = (
    (r"scheme should be .*'postgresql\+asyncpg'", "postgresql://app:app@localhost:5432/app"),
    (r"int|number|float", "30"),
    (r"bool", "false"),
    (r"list|JSON|json", "[]"),
)


def of_another_type(case: Case) -> str:
    """Another made-up value, where the first one was not of the type that the app wants."""
    value = next((value for kind, value in TYPES if re.search(kind, case.failure.lines[case.number])), "")
    examples = case.reads
    lines = case.failure.lines[max(0, case.number - 12) : case.number + 1] + first_traceback(case.failure.text)
    for name, old in case.draft.made_up.items():
        about = any(re.search(rf"\b{name}\b", line, re.IGNORECASE) for line in lines)
        example = examples.get(name, "")
        fits = example if value[:8] == example[:8] == "postgres" else value  # with the driver that the app has
        if fits and about and old != fits:
            case.draft.demand(name, fits)
            return f"{name} is of another type: {fits} in the trial"
    return ""


def refused_sample(case: Case) -> str:
    """Made-up values for the trial, where the project's own file with variables has only what has to be changed."""
    draft, names = case.draft, []
    for file in (path for path in sorted(draft.folder.rglob("*.env")) if path.is_file()):
        line = re.compile(rf"^(\w+)=([\"']?){re.escape(case.name)}\2$", re.MULTILINE)
        names += [match[1] for match in line.finditer(guess.text_of(file))]
        file.write_text(line.sub(rf"\1={MADE_UP}", guess.text_of(file)))
    draft.made_up |= dict.fromkeys(names, MADE_UP)
    return f"the app refuses the value {case.name} of {', '.join(dict.fromkeys(names))}" if names else ""


def keep(draft: Draft, path: str, *, is_file: bool = False) -> str:
    """A volume for the directory that an app writes to; a file in the middle of the code becomes a link into it."""
    path = path if path.startswith("/") else f"/app/{draft.app.root}/{path}".replace("//", "/")
    path = re.sub(r"/\./|//", "/", path).rstrip("/")
    if path.startswith("/data/"):
        return "the app writes to /data: the volume" if draft.keep("/data") else ""
    if path.startswith(("/tmp/", "/trial", "/venv", "/proc", "/sys", "/dev")):  # noqa: S108
        return ""
    inside = draft.folder / path.removeprefix("/app/").lstrip("/")
    is_file = is_file or inside.is_file() or (bool(Path(path).suffix) and not inside.is_dir())
    directory = str(Path(path).parent) if is_file else path
    code = draft.folder / directory.removeprefix("/app").lstrip("/")
    if is_file and directory.startswith("/app") and (code == draft.folder or any(code.glob("*.py"))):
        return f"the app writes to {path}: a link to /data, and the volume" if draft.keep_file(path) else ""
    if directory == "/app" or not draft.keep(directory):
        return ""
    return f"the app writes to {directory}: the volume"


def database(case: Case) -> str:
    opened = re.findall(r"^adopt: sqlite3 opens (\S+)$", case.failure.text, re.MULTILINE)
    for path in reversed(dict.fromkeys(opened)):
        committed = bring_back(case.draft, path.removeprefix("/app/"))
        if done := committed or keep(case.draft, path, is_file=True):
            return done
    return ""


def bring_back(draft: Draft, name: str) -> str:
    """A line in .dockerignore for a file that Git has and the image has not."""
    if not (draft.folder / name).is_file() or not draft.ignores(name):
        return ""
    command = ["git", "-C", str(draft.project), "ls-files", "--error-unmatch", name]
    unknown = subprocess.run(command, capture_output=True, check=False).returncode
    if unknown and re.search(r"\.sqlite3$|^instance/|\.key$|\.pem$|\.env", name):
        return ""  # it is this machine's own
    draft.append(".dockerignore", f"!{name}\n")
    return f"{name} was left out of the image: !{name} in .dockerignore"


def left_out(case: Case) -> str:
    """A file that .dockerignore names, or that the old compose file mounts from the project."""
    draft = case.draft
    source = mounted(draft.project).get(case.name, "")
    if source and draft.insert(IN_PRODUCTION, f"COPY {source} {case.name}"):
        return f"{case.name} is missing: a copy of {source}, which the old compose file mounts there"
    return bring_back(draft, case.name.removeprefix("/app/"))


def manage(folder: Path, command: str) -> str:
    """A command of Django's manage.py, wherever that is."""
    file = guess.django_command(folder)
    return f"python {file.relative_to(folder) if file else 'manage.py'} {command}"


# What a project that prepares its database before it is started does for that.
MIGRATES = (
    r"(?m)^(?!\s*#).*(?:\bmanage(?:\.py)?\W+migrate\b|\balembic\b.* upgrade head\b"
    r"|\bflask\b.* db upgrade\b|\blitestar\b.* database upgrade\b)"
)


def migrate(case: Case) -> str:
    command = migrating(case.draft)
    return f"the database has no tables: the service migrate, {command}" if command else ""


def migrating(draft: Draft) -> str:
    """Uncomment the service that migrates, and let the trial run its command; the command, or nothing."""
    folder, app = draft.folder, draft.app
    if app.framework == "django":
        command = manage(folder, "migrate")
    elif (folder / "alembic.ini").exists():
        command = "alembic upgrade head"
    elif (folder / app.root / "migrations").is_dir() and app.framework == "flask":
        command = f"flask --app {shlex.quote(app.name.removesuffix('()'))} db upgrade"
    elif any(folder.rglob("migrations/env.py")) and "litestar" in guess.dependencies(folder):
        command = f"litestar --app {shlex.quote(app.name.removesuffix('()'))} database upgrade --no-prompt"
    else:
        return ""
    if not draft.uncomment("compose.yaml", "  # migrate:"):
        return ""
    draft.set("compose.yaml", r"(?<=^    command: )python manage.py migrate$", command)
    draft.commands.append(command)
    return command


def own_metadata(case: Case) -> str:
    if canonicalize_name(case.name) != own_name(case.draft.folder) or not install_itself(case.draft):
        return ""
    return "the project asks for its own metadata: the line that installs it"


ITSELF = "RUN --mount=type=bind,target=.,rw uv pip install --no-deps ."


def install_itself(draft: Draft) -> bool:
    """Take the # from that line; it needs the README that pyproject.toml names."""
    uncommented = draft.uncomment("Dockerfile", f"# {ITSELF}")
    if uncommented:
        for name in re.findall(r"^readme\s*=.*?[\"']([\w./-]+\.\w+)[\"']", draft.read("pyproject.toml"), re.MULTILINE):
            bring_back(draft, name)
    return uncommented


def from_git(case: Case) -> str:
    case.draft.replace("Dockerfile", "--require-hashes", "--verify-hashes")
    case.draft.install_compiler(["git"])
    return f"{case.name} comes from Git and has no hash: Git in the build, and --verify-hashes for the others"


def asked_for_itself(case: Case) -> str:
    """The list without what its packages ask for: it is whole, but for the project, whose code is copied."""
    own = {own_name(case.draft.folder), *map(canonicalize_name, local_names(case.draft.folder))}
    install = "uv pip install {}--require-hashes"
    if canonicalize_name(case.name) not in own:
        return ""
    case.draft.replace("Dockerfile", install.format(""), install.format("--no-deps "))
    return f"a package asks for {case.name}, the project itself: --no-deps, as the list is whole"


def tests_stay(case: Case) -> str:
    case.draft.replace("Dockerfile", "rm -rf tests && ", "")
    return "the app imports the package tests: it stays in the image"


def elsewhere(case: Case) -> str:
    """A module of the project's own that lies in another directory, or that the project's own files put there."""
    name = case.name.split(".")[0]
    paths = [path for path in guess.python_files(case.draft.folder) if path.stem == name or path.parent.name == name]
    for path in sorted(paths, key=lambda path: len(path.parts)):
        place = path.parent if path.stem == name else path.parent.parent
        inside = str(place.relative_to(case.draft.folder)) if place.is_relative_to(case.draft.folder) else ""
        if inside not in ("", ".", "src") and case.draft.add_path(inside):
            return f"the module {name} is in {inside}: its directory in PYTHONPATH"
    target = f"{case.draft.app.root}/{name}.py".lstrip("/")
    copied = re.compile(rf"^(?!\s*#).*(?:COPY|cp) (?:-\S+ )*(\S+) (?:\S*/)?{re.escape(name)}\.py\s*$", re.MULTILINE)
    for source in (source for text in guess.starting(case.draft.project) for source in copied.findall(text)):
        if (case.draft.folder / source).is_file() and case.draft.insert(AFTER_COPY, f"RUN cp {source} {target}"):
            return f"the module {name} is a copy of {source}, as in the project's own files"
    return ""


def add(case: Case) -> str:
    """A package that an error names, or that the list for developers has, by who keeps the others."""
    module = case.name.split(".")[0]
    name = PACKAGES.get(module, "") or in_dev_list(case.draft, module)
    if not name:
        return ""
    case.draft.add_packages([name])
    return f"{name} is missing: among the packages"


def in_dev_list(draft: Draft, module: str) -> str:
    """The package of a module, if the list for developers names one that is called so."""
    same = canonicalize_name(module)
    names = (same, f"django-{same}", f"python-{same}", f"{same}-python")
    for pattern in ("requirements*.in", "requirements*.txt", "requirements/*.txt"):
        for line in (line for path in draft.folder.glob(pattern) for line in guess.text_of(path).splitlines()):
            if name_of(line) in names:
                return line.split("--hash")[0].rstrip(" \\")
    return ""


def server(case: Case) -> str:
    if names := lacking(case.draft.folder, case.draft.app):
        case.draft.add_packages(names)
        return f"{' and '.join(names)} {'was' if len(names) == 1 else 'were'} missing: added"
    return ""


def newer_gunicorn(case: Case) -> str:
    """A gunicorn that knows the settings of final's file: it has `wsgi_app` since 20.1."""
    case.draft.add_packages(["gunicorn>=23"])
    return "gunicorn is older than its settings: gunicorn>=23"


def worker(case: Case) -> str:
    draft, kind = case.draft, case.name
    if kind == "none":
        others = re.search(r"^adopt: apps besides: (\w+)(?: \w+)*$", case.failure.text, re.MULTILINE)
        if not others:
            return ""
        draft.set_app(replace(draft.app, name=f"{draft.app.module}:{others[1]}"))
        return f"{case.line} is no app: {draft.app.name}"
    known = "" if draft.app.framework == "aiohttp" else draft.app.framework
    draft.set_app(replace(draft.app, asgi=kind == "asgi", framework="aiohttp" if kind == "aiohttp" else known))
    if names := lacking(draft.folder, draft.app):
        draft.add_packages(names)
    return f"the app is {kind.upper()}: the worker {draft.find('gunicorn.conf.py', WORKER_CLASS)}"


def more_memory(case: Case) -> str:
    memory = re.search(r"\$\{MEMORY:-(\d+)([mg])\}", case.draft.read("compose.yaml"))
    if not memory or (memory[2] == "g" and int(memory[1]) >= 4):
        return ""
    new = "1g" if memory[2] == "m" else f"{int(memory[1]) * 2}g"
    case.draft.set("compose.yaml", re.escape(memory[0]), f"${{MEMORY:-{new}}}")
    return f"a worker needs more memory: MEMORY is {new}"


def one_worker(case: Case) -> str:
    """One worker, where each prepares the same database when it starts."""
    case.draft.give("WORKERS", "1")
    return f"each worker prepares the database ({case.line}): WORKERS is 1"


def empty(case: Case) -> str:
    """A directory that Git does not keep because it is empty; a file with variables, which come from compose."""
    name = os.path.relpath(case.name, "/app") if case.name.startswith("/") else case.name.rstrip("/")
    command = f"RUN {'touch' if name.endswith('.env') else 'mkdir -p'} {name}"
    there = (case.draft.folder / name).exists() and not case.draft.ignores(name)
    if name.startswith("..") or there or not case.draft.insert(AFTER_COPY, command):
        return ""
    why = "compose has its variables" if "touch" in command else "Git keeps no empty one, and none that a build makes"
    return f"{name} is missing ({why}): it is made, and empty"


ANY = "build import start migrate page"
DOCKERFILE, COMPOSE = "final/README.md, The Dockerfile", "final/README.md, compose.yaml"
VARIABLE = r"[\"'`]?([A-Z][A-Z0-9_]{2,})[\"'`]?"
# fmt: off
REMEDIES = [
    Remedy("no image of this Python", "lists", other_python, USE, r"python:3\.\d+-slim-\w+ cannot be had"),
    Remedy("a lock that does not fit", "lists", lock_anew, USE,
           r"since poetry\.lock was last generated|[Rr]un `poetry lock`|re-generate the lock file"),
    Remedy("a package for Windows", "lists build", windows_only, USE,
           rf"\b({WINDOWS})\b.*(?:no wheels|no usable|source distribution|platform)"),
    Remedy("a list for one platform", "lists", for_this_alone, USE,
           r"No solution found .* for split \(markers: (.*)\)"),
    # What packages ask for, and then what packages of an earlier time run into.
    Remedy("a Python that is too new for a package", "lists build import start page", older_python, USE,
           r"[Pp]ython version.*(?:does not satisfy|is not (?:allowed|supported))"
           r"|No interpreter found for Python|only versions >=3\.\d+,<3\.\d+ are supported"
           rf"|No module named '(?:{'|'.join(GONE.values())})(?:\.\w+)*'"
           r"|module '(?:pkgutil|ast|inspect|collections|asyncio|unittest|importlib|typing|configparser)' has no attr"
           r"|cannot import name '\w+' from '(?:collections|typing|ast|inspect|fractions|asyncio|importlib\.\w+)'"
           r"|directly inherits TypingOnly but has additional attributes|unable to infer type for attribute"
           r"|There is no current event loop in thread|ForwardRef\._evaluate\(\) missing"
           r"|_SixMetaPathImporter|six\.moves"),
    Remedy("no wheel, and no compiler, header or program", "lists build", compiler, DOCKERFILE,
           r"pg_config executable not found|Can not find valid pkg-config name"
           r"|(?:mysql_config|pkg-config|xml2-config|xslt-config|krb5-config|cargo|cmake)\b.*not found"
           r"|fatal error: [\w./-]+: No such file|headers or library files could not be found for \w+"
           r"|(?:[Rr]ust|[Cc]argo|CMake)\b.*(?:not found|not installed|must be installed|required)"
           r"|(?:Git executable not found|[Gg]it operation failed|'git')"
           r"|\b(?:gcc|cc|g\+\+|c\+\+|clang|make)\b.*(?:not found|No such file)"
           r"|[Nn]o such file or directory: '(?:gcc|cc|g\+\+|make|cmake|cargo|\w+[-_]config)'"
           r"|command '\S*(?:gcc|cc)' failed|(?:Unknown compiler|[Nn]o C compiler)"),
    # Not each says that it looked for a compiler: uWSGI does not.
    Remedy("a package that is built", "build", compiler, DOCKERFILE, r"Failed to build `(?!\S+ @ file:///app`)"),
    Remedy("no server", ANY, server, USE,
           r"gunicorn: not found|No module named '(?:uvicorn_worker|gunicorn)'|class uri 'uvicorn_worker"),
    Remedy("an old gunicorn", "start", newer_gunicorn, USE, r"No application module specified"),
    Remedy("another worker", "import", worker, USE, r"^adopt: the app is (asgi|wsgi|aiohttp|none)$"),
    Remedy("a library", ANY, library, WRONG,
           r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object|cannot load library '(\S+)'"
           r"|no library called \"(\S+)\"|[Cc]ould not find the (GDAL) library|failed to find (libmagic)"
           r"|Unable to find (zbar) shared library|no (pq wrapper) available"),
    Remedy("a program", "import start page", program, WRONG,
           r"No such file or directory: '([\w-]+)'|(tesseract) is not installed|(ffmpeg) or avconv"),
    Remedy("the package tests", ANY, tests_stay, WRONG, r"No module named 'tests(?:\.\w+)*'"),
    Remedy("its own metadata", ANY, own_metadata, WRONG,
           r"No package metadata was found for ([\w.-]+)|PackageNotFoundError: ([\w.-]+)$"
           r"|DistributionNotFound: The '([\w.-]+)"),
    Remedy("a package that asks for the project itself", "build", asked_for_itself, WRONG,
           r"no trusted hash was provided for: `([\w.-]+)`"),
    Remedy("a package from Git", "build", from_git, WRONG, r"none were provided for: ([\w.-]+) @ git\+"),
    Remedy("a project that is no package", "build",
           without(r"pip install --no-deps \.", "the project cannot be installed ({}): without that line"), WRONG,
           r"did not complete successfully"),
    Remedy("a module elsewhere in the project", ANY, elsewhere, WRONG, r"No module named '([\w.]+)'"),
    Remedy("a package", ANY, add, USE,
           r"No module named '([\w.]+)'|\"(python-multipart)\" to be installed|(email-validator) is not installed"),
    Remedy("a variable of the old compose file", ANY, of_compose, SETTINGS, r"required variable (\w+) is missing"),
    Remedy("settings of pydantic's", ANY, fields, SETTINGS, r"Field required|Value error, "),
    Remedy("a variable", ANY, demand, SETTINGS,
           r"environ\[[\"'](\w+)[\"']\]|^KeyError: '([A-Z][A-Z0-9_]{2,})'"
           r"|[Ss]et the ([A-Z]\w+) environment variable|([A-Z][A-Z0-9_]+) not found\. Declare it"
           rf"|[Ee]nvironment variable {VARIABLE} (?:is )?(?:not set|missing|required|not found)"
           rf"|{VARIABLE} environment variable|Config '(\w+)' is missing"),
    Remedy("the key of Django or Flask", ANY, of_kind("SECRET", "DJANGO|FLASK"), SETTINGS,
           r"SECRET_KEY setting must not be empty|(?:no|[Aa]) secret key"
           r"|secret.?key (?:is not|must be) (?:changed|set)"),
    Remedy("another type of a variable", ANY, of_another_type, SETTINGS,
           r"(?:int|bool|float)_parsing|URL scheme should be|valid (?:integer|boolean|list|dict|number)"
           r"|(?:JSONDecodeError|error parsing value)|invalid literal for int\(\)|Invalid truth value"),
    Remedy("a sample of a secret", "start migrate", refused_sample, SETTINGS,
           r"\b(change[-_]?(?:this|me|it)|replace[-_]?(?:this|me))\b"),
    Remedy("a host that Django does not know", "page", of_kind("^(?!.*(?:DB|MAIL)).*HOST", "ALLOWED"), SETTINGS,
           r"Invalid HTTP_HOST header"),
    Remedy("static files under hashed names", ANY, lambda case: collect(case.draft), WRONG,
           r"Missing staticfiles manifest entry|staticfiles\.json|No directory at: .*static"),
    Remedy("static files compressed in advance", ANY, compress_static, WRONG, r"offline (?:compression|manifest)"),
    Remedy("a place that is read-only", ANY, lambda case: keep(case.draft, case.name), WRONG,
           r"Read-only file system: (?:b?'[^']+' -> )?b?'([^']+)'|Permission denied: b?'(/app/[^']+)'"),
    Remedy("a database of SQLite's", ANY, database, WRONG,
           r"unable to open database file|attempt to write a readonly database"),
    Remedy("no table", ANY, migrate, COMPOSE,
           r"no such table|relation \".*\" does not exist|UndefinedTable|Table '.*' doesn't exist"),
    Remedy("a file that the image has not", ANY, left_out, WRONG, r"No such file or directory: b?'([^']+)'"),
    Remedy("an empty directory", ANY, empty, WRONG,
           r"[Dd]irectory '([^']+)' does not exist|[Ff]ile '([^']+\.env)' not found"),
    Remedy("a database that each worker prepares", "start", one_worker, COMPOSE,
           r"\btable \S+ already exists|pg_type_typname_nsp_index|duplicate column name|DuplicateColumn"
           r"|alembic\.runtime\.migration\] Running upgrade"),
    Remedy("memory", ANY, more_memory, "reference-final/README.md, Sizing", r"Perhaps out of memory|exit code 137"),
    Remedy("a variable that a failing line names", ANY, mentioned, SETTINGS, r"Traceback \(most recent call last\)"),
    Remedy("a package that is newer than the code", "import start migrate page", of_its_time, WRONG,
           r"^(?:Import|Attribute|Type|Name)Error: |^ModuleNotFoundError: "
           r"|^[\w.]*(?:PydanticUserError|PydanticImportError|ArgumentError|VersionConflict)\b"),
    Remedy("static files that cannot be collected", "build",
           without(r"manage\.py collectstatic", "collectstatic stops the build ({}): without it"), WRONG,
           r"did not complete successfully"),
]
# fmt: on

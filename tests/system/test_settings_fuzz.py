"""Nothing that somebody may write into a variable of final's makes its start a traceback."""

import re
import subprocess

import pytest

from library.engine import SESSION, build_recipe
from library.subject import Subject
from library.tutorial import ROOT

pytestmark = [pytest.mark.about("final"), pytest.mark.thorough]
FINAL = Subject("final", ROOT / "final")
EXAMPLES = 2000
# The image with hypothesis, which no production image has.
RECIPE = """FROM {image}
USER 0
RUN /usr/local/bin/pip install --target /hypothesis hypothesis==6.170.15
USER 10001:10001
"""
# Run in it, where gunicorn.conf.py is: whatever the variables say, gunicorn gets as far as its first worker, or one
# line says what is wrong.
FUZZ = r'''
import contextlib
import io
import os
import sys

from gunicorn.app.wsgiapp import WSGIApplication
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NAMES = sys.argv[1].split(",")
EXAMPLES = int(sys.argv[2])
INTERESTING = [
    "",
    " ",
    "0",
    "-1",
    "+1",
    " 4 ",
    "1_0",
    "1e3",
    "0x10",
    "nan",
    "inf",
    "4.0",
    "9" * 5000,
    "99999999999",
    "\u0663",
    "\u00b2",
    "on",
    "gthread",
    "sync",
    "asgi",
    "gevent",
    "uvicorn_worker.UvicornWorker",
    "os.path",
    "a.b.c",
    ".",
    "..",
    "a..b",
    "egg:a#b",
    "hello.main:app",
    "hello.main",
    ":app",
    "hello/main.py:app",
    "hello.main:app()",
    "::1",
    "::1%eth0",
    "1.2.3.4",
    "[::1]:9",
    "unix:/tmp/x",
    "unix:",
    "fd://3",
    "fd://x",
    "[::1",
    "[",
    "]",
    ":",
    "a:b:c",
    ":99999",
    "tcp://",
    "-",
    "/tmp/x",
    "/nowhere/x",
    "%s",
    "\n",
    "\r\nX: y",
    "'",
    "{}",
]
anything = st.binary(max_size=20).filter(lambda value: b"\0" not in value).map(os.fsdecode)
words = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=20)
values = st.one_of(st.sampled_from(INTERESTING), words, anything, st.integers().map(str), st.floats().map(str))


def start() -> None:
    """What gunicorn does before it listens, and its first worker before it loads the app."""
    app = WSGIApplication("%(prog)s [OPTIONS] [APP_MODULE]", prog="gunicorn")
    try:
        log = app.cfg.logger_class(app.cfg)
        app.cfg.worker_class(1, os.getpid(), app.cfg.address, app, app.cfg.timeout, app.cfg, log).tmp.close()
    except RuntimeError as error:  # as its own run() does
        sys.exit(f"Error: {error}")


@settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.sampled_from(NAMES), values, min_size=1, max_size=2))
def try_them(environment: dict[str, str]) -> None:
    before = dict(os.environ)
    os.environ.update(environment)
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed):
            start()
    except SystemExit as end:
        said = (printed.getvalue() + (end.code if isinstance(end.code, str) else "")).strip()
        assert end.code not in (None, 0) and len(said.split("\n")) == 1, said
    finally:
        os.environ.clear()
        os.environ.update(before)


sys.argv = ["gunicorn"]
try_them()
print(f"{EXAMPLES} examples")
'''


def names() -> set[str]:
    """The variables that the file reads, but WEB_CONCURRENCY: gunicorn reads that before it, as the article says."""
    read = r'(?:setting|number|choice|environ\.get)\("([A-Z_]+)"'
    return set(re.findall(read, FINAL.read("gunicorn.conf.py"))) - {"WEB_CONCURRENCY"}


def test_any_value_is_taken_or_refused_with_one_line() -> None:
    assert len(names()) >= 14
    name = f"{SESSION}-settings-fuzz"
    build_recipe(RECIPE.format(image=FINAL.image), name)
    # In a folder to write to: an access log may have any name.
    options = ["--rm", "--interactive", "--network=none", "--env=PYTHONPATH=/hypothesis:/tmp/app"]
    command = f"cp -r /app /tmp/ && cd /tmp/app && exec python - {','.join(sorted(names()))} {EXAMPLES}"
    run = ["docker", "run", *options, "--entrypoint=sh", name, "-c", command]
    ran = subprocess.run(run, input=FUZZ, capture_output=True, text=True, check=False)
    assert ran.stdout == f"{EXAMPLES} examples\n", ran.stdout[-3000:] + ran.stderr[-3000:]

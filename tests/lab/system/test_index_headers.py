"""What pip and uv keep in a cache mount, by what the index says of caching: extra 2's article has pip's instruction."""

import re
import secrets
from collections.abc import Callable, Iterator

import pytest

from lab import packages
from lab.packages import Packages
from library import locks
from library.edits import OTHER_VERSIONS, change, change_dependency
from library.practices import PRACTICES
from library.subject import Subject
from library.tutorial import ROOT

pytestmark = pytest.mark.about("extra-2-caching")
STEP_4 = Subject("step-4-nontrivial", ROOT / "step-4-nontrivial")
EXTRA_2 = Subject("extra-2-caching", ROOT / "extra-2-caching")
# The header Cache-Control: PyPI's, of the list of a project's files and of the files, which never change; none; and one
# that forbids to keep anything.
PYPI = {"simple": "max-age=600, public", "wheels": "max-age=365000000, immutable, public"}
SILENT: dict[str, str] = {}
FORBIDS = dict.fromkeys(PYPI, "no-store")


def with_pip(copy: Subject, index: Packages) -> None:
    """Give step 4's instruction that installs the cache mount that the article shows, and this index."""
    [shown] = re.findall(
        r"^```dockerfile\n(RUN --mount=type=cache,target=/root/\.cache/pip [^`]*\n)```$",
        (EXTRA_2.path / "README.md").read_text(),
        re.MULTILINE,
    )
    change(
        copy.path / "Dockerfile", "RUN pip install --require-hashes -r requirements.txt\n", index.instruction + shown
    )


def with_uv(copy: Subject, index: Packages) -> None:
    """Let extra 2's uv install from this index."""
    change(copy.path / "Dockerfile", "ENV VIRTUAL_ENV=", f"{index.instruction}ENV VIRTUAL_ENV=")


@pytest.fixture(scope="module")
def index_image() -> str:
    listed = "\n".join(f"{name}=={version}" for name, version in locks.versions(STEP_4.path).items())
    return packages.image(listed, f"click=={OTHER_VERSIONS['click'][0]}")


@pytest.fixture
def index(index_image: str) -> Iterator[Packages]:
    with packages.serving(index_image) as server:
        yield server


@pytest.mark.parametrize(
    ("subject", "installs", "caching", "keeps"),
    [
        pytest.param(STEP_4, with_pip, PYPI, True, id="pip, PyPI"),
        pytest.param(STEP_4, with_pip, SILENT, False, id="pip, a silent index"),
        pytest.param(STEP_4, with_pip, FORBIDS, False, id="pip, an index that forbids it"),
        pytest.param(EXTRA_2, with_uv, PYPI, True, id="uv, PyPI"),
        pytest.param(EXTRA_2, with_uv, SILENT, True, id="uv, a silent index"),
        pytest.param(EXTRA_2, with_uv, FORBIDS, False, id="uv, an index that forbids it"),
    ],
)
def test_a_build_downloads_again_what_the_index_did_not_let_it_keep(
    index: Packages,
    subject: Subject,
    installs: Callable[[Subject, Packages], None],
    caching: dict[str, str],
    keeps: bool,
) -> None:
    index.tell(caching=caching)
    mounts = secrets.token_hex(4)  # nobody else's downloads are in them
    with subject.copied("from an index that says what may be kept") as copy:
        installs(copy, index)
        copy.build(mounts=mounts)
        first = index.sent
        changed = change_dependency(copy)
        build = copy.build(mounts=mounts)
        others = build.downloads() - {changed}
        assert bool(others) != keeps, build.output
        if installs is with_pip:
            # The index says the same. (uv asks it for the beginning of a wheel, too, which has the metadata.)
            again = set(first) & set(index.sent[len(first) :])
            assert len(again) == (0 if keeps else len(first) - 1)


def test_pips_cache_in_a_mount_is_in_no_layer(index: Packages) -> None:
    index.tell(caching=PYPI)
    with STEP_4.copied("with pip's cache in a mount") as copy:
        with_pip(copy, index)
        PRACTICES["no-cache-in-image"].check(copy)

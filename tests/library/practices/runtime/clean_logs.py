"""From start to stop, the log shows no error, warning or deprecation."""

from .. import Subject, practice
from ..logs import require_clean
from ..stopping import undisturbed_life


@practice("unnoticed", slow=True)
def check(subject: Subject) -> None:
    require_clean(undisturbed_life(subject).log)

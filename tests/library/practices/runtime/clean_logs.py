from ...subject import Subject
from .. import practice
from ..logs import require_clean
from ..stopping import undisturbed_life


@practice("unnoticed", slow=True)
def clean_logs(subject: Subject) -> None:
    """From start to stop, the log shows no error, warning or deprecation."""
    require_clean(undisturbed_life(subject).log)

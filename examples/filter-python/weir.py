"""What every filter in Python wants of its own: answers in one line, and words for exceptions."""

import functools
import os.path

from componentize_py_types import Err
from wit_world.imports import log, reply
from wit_world.imports.types import Flow, Reason


def answer(status: int, words: str, code: str, detail: str, *headers: tuple[str, str]) -> Flow:
    """Answers in the upstream's place. `code` and `detail` are for the operator; the client does not see them."""
    reply.send_text(status, list(headers), f"{words}\n", Reason(code, detail))
    return Flow.STOP


def hook(run):
    """A hook whose exceptions are logged: without it all that the operator reads is that the filter trapped."""

    @functools.wraps(run)
    def logged(*args):
        try:
            return run(*args)
        except Exception as error:
            # The faults of `configure` and the reason of a chunk hook are results. What nobody caught is a failure.
            if not (isinstance(error, Err) and isinstance(error.value, (list, Reason))):
                log.write(log.Level.ERROR, f"{run.__name__}: {type(error).__name__}: {error} at {_places(error)}")
            raise

    return logged


def _places(error: BaseException) -> str:
    # The innermost five. `traceback` would look for the source, and there are no files.
    places, at = [], error.__traceback__
    while at is not None:
        code = at.tb_frame.f_code
        places.append(f"{os.path.basename(code.co_filename)}:{at.tb_lineno} ({code.co_name})")
        at = at.tb_next
    return ", ".join(places[:-6:-1])

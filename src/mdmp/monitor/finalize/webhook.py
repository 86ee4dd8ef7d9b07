"""An outcome posted as JSON to a server that the policy names."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from mdmp.errors import SaveError
from mdmp.monitor.finalize.describe import describe, facts_of, without_messages
from mdmp.version import __version__

if TYPE_CHECKING:
    from mdmp.monitor.keeper import Outcome

SECONDS = 5.0
"""For all of it, the look-up of the server's name included."""


def post(url: str, outcome: Outcome, seconds: float = SECONDS) -> None:
    """Posts the facts and the line for people (`message`), without what the program said; never takes longer than that.
    `SaveError` when the server does not take them. It is not followed anywhere else."""
    if not url.lower().startswith(("http://", "https://")):
        raise SaveError("webhook: expected an address that begins with http:// or https://")
    outcome = without_messages(outcome)
    body = json.dumps({"message": describe(outcome), **facts_of(outcome), "mdmp": __version__}).encode()
    found: list[str | None] = []  # a thread of its own: the look-up of a name knows no limit of time
    worker = threading.Thread(target=lambda: found.append(_post(url, body, seconds)), name="mdmp webhook", daemon=True)
    try:
        worker.start()
    except RuntimeError as refused:
        raise SaveError(f"webhook: {refused}") from None
    worker.join(seconds)
    problem = found[0] if found else f"no answer within {seconds:g} s"
    if problem is not None:
        raise SaveError(f"webhook: {problem}")


def _post(url: str, body: bytes, seconds: float) -> str | None:
    """None, or what went wrong."""
    import urllib.request as web
    from http.client import HTTPException
    from urllib.error import HTTPError

    class NoRedirect(web.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    opener = web.build_opener(NoRedirect)
    headers = {"Content-Type": "application/json", "User-Agent": f"mdmp/{__version__}"}
    try:
        request = web.Request(url, body, headers)
        opener.open(request, timeout=seconds).close()
    except HTTPError as problem:
        problem.close()
        return f"the server answered {problem.code}"
    except (OSError, ValueError, HTTPException) as problem:
        return str(problem) or type(problem).__name__
    return None

"""Makes the platform match one wanted line; may be repeated at any point.

In two halves, so that a batch can run the first half of all its lines, in which
numbers are let go, before the second of any, in which numbers are taken.
"""

from contextlib import suppress
from dataclasses import dataclass, field, replace

from .client import Client
from .errors import Conflict, GatewayError, NotFound, NotUnderstood
from .records import Did, DidTerms, Line, LineSettings, LineStatus, Reject


@dataclass(frozen=True, slots=True)
class WantedLine:
    settings: LineSettings
    status: LineStatus
    dids: tuple[DidTerms, ...]
    remote_id: int | None
    pushed_status: LineStatus | None
    """As the platform last confirmed it to us; None before the first push."""
    final: bool
    """Cancelled: only the status and the freeing of its numbers matter."""
    password: str | None = field(default=None, repr=False)
    """For a line that has to be made: the one that its phone knows."""
    released: tuple[str, ...] = ()
    """Numbers that it once had: for a platform that does not tell which it has."""


@dataclass(frozen=True, slots=True)
class PushOutcome:
    """What a push came to. What was learnt stands here also beside an error."""

    remote_id: int | None = None
    account_code: str | None = None
    plan_description: str | None = None
    status: LineStatus | None = None
    dids: tuple[Did, ...] = ()
    error: GatewayError | None = None
    conflicting_number: str | None = None
    question: LineStatus | None = None
    """The status that somebody set on the platform, which a push would have raised."""


@dataclass(slots=True)
class Progress:
    """Between the two halves."""

    wanted: WantedLine
    line: Line | None = None
    dids: dict[str, Did] = field(default_factory=dict)
    knows_dids: bool = False
    error: GatewayError | None = None
    conflicting_number: str | None = None
    question: LineStatus | None = None

    def saw(self, line: Line) -> None:
        self.line = line
        if line.dids is not None:
            self.dids = {did.number: did for did in line.dids}
            self.knows_dids = True


def begin_push(client: Client, wanted: WantedLine) -> Progress:
    """Create or find the line, set it, and let go of the numbers that it loses."""
    progress = Progress(wanted)
    try:
        _find_or_create(client, progress)
        if progress.line is not None:
            if wanted.final:
                _set_status(client, progress)
            _free_numbers(client, progress)
            if not wanted.final:
                _set_settings(client, progress)
                _set_status(client, progress)
    except GatewayError as error:
        progress.error = error
    return progress


def finish_push(client: Client, progress: Progress) -> PushOutcome:
    """Take the numbers that the line gains, and say what it all came to."""
    wanted = progress.wanted
    if progress.error is None and progress.line is not None and not wanted.final:
        for terms in wanted.dids:
            if not _has(progress.dids.get(terms.number), terms):
                try:
                    did = client.put_did(progress.line.remote_id, terms)
                except GatewayError as error:
                    progress.error = error
                    if isinstance(error, Conflict):
                        progress.conflicting_number = terms.number
                    break
                progress.dids[did.number] = did
    line = progress.line
    return PushOutcome(
        remote_id=line and line.remote_id,
        account_code=line and line.account_code,
        plan_description=line and line.plan_description,
        status=line and line.status,
        dids=tuple(progress.dids.values()),
        error=progress.error,
        conflicting_number=progress.conflicting_number,
        question=progress.question,
    )


def _find_or_create(client: Client, progress: Progress) -> None:
    wanted = progress.wanted
    if wanted.remote_id is not None:
        # Gone there: a cancelled line is done, any other is made again.
        with suppress(NotFound):
            progress.saw(client.get_line(wanted.remote_id))
            return
    if wanted.final:
        for line in client.iter_lines(reference=wanted.settings.reference):
            if isinstance(line, Reject):
                # It may be ours: better asked than left alive.
                raise NotUnderstood(line.reason)
            # Whatever the platform makes of the filter, no other line is cancelled.
            if line.reference == wanted.settings.reference:
                progress.saw(line)
        return
    try:
        password = wanted.settings.password or wanted.password
        settings = replace(wanted.settings, password=password)
        progress.saw(client.create_line(settings))
    except Conflict as conflict:
        if conflict.remote_id is None:
            raise
        # We made it before, and died before we knew.
        line = client.get_line(conflict.remote_id)
        if line.reference != wanted.settings.reference:
            raise
        progress.saw(line)


def _free_numbers(client: Client, progress: Progress) -> None:
    wanted = progress.wanted
    kept = {terms.number for terms in wanted.dids}
    for number in list(progress.dids) if progress.knows_dids else wanted.released:
        if number not in kept:
            # One that another line has by now is free of this one.
            with suppress(NotFound):
                client.delete_did(progress.line.remote_id, number)
            progress.dids.pop(number, None)


def _set_settings(client: Client, progress: Progress) -> None:
    present = progress.line
    updated = client.update_line(present.remote_id, progress.wanted.settings)
    # Its numbers were read before some were freed; the answer knows better.
    progress.saw(updated)


def _set_status(client: Client, progress: Progress) -> None:
    wanted, present = progress.wanted, progress.line.status
    if present == wanted.status:
        return
    is_raised = wanted.status.openness > present.openness
    if is_raised and wanted.pushed_status not in (None, present):
        progress.question = present
        return
    line = client.set_status(progress.line.remote_id, wanted.status)
    progress.line = replace(progress.line, status=line.status)


def _has(did: Did | None, terms: DidTerms) -> bool:
    return (
        did is not None
        and did.monthly_fee == terms.monthly_fee
        and did.accept_collect_calls == terms.accept_collect_calls
    )

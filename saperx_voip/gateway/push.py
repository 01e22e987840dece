"""Makes the platform match one wanted line; may be repeated at any point.

In two halves, so that a batch can run the first half of all its lines, in which
numbers are let go, before the second of any, in which numbers are taken.
"""

from contextlib import suppress
from dataclasses import dataclass, field, replace

from .client import Client
from .errors import (
    Conflict,
    GatewayError,
    NotFound,
    NotUnderstood,
    RequestRefused,
)
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
    is_new: bool = False
    is_status_settled: bool = False
    """Whether the line's status is what we wanted, or was just made so."""
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

    def lacking(self) -> list[DidTerms]:
        """What is left for the second half: numbers to take, or to take otherwise."""
        if self.error is not None or self.line is None or self.wanted.final:
            return []
        return [
            terms
            for terms in self.wanted.dids
            if not _has(self.dids.get(terms.number), terms)
        ]


def begin_push(client: Client, wanted: WantedLine) -> Progress:
    """Create or find the line, set it, and let go of the numbers that it loses."""
    progress = Progress(wanted)
    try:
        _find_or_create(client, progress)
        if progress.line is not None:
            (_close if wanted.final else _bring_in_line)(client, progress)
    except GatewayError as error:
        progress.error = error
    return progress


def _bring_in_line(client: Client, progress: Progress) -> None:
    if progress.wanted.status.openness < progress.line.status.openness:
        # Closing comes first: whatever is refused below must not keep a line open.
        _set_status(client, progress)
    _free_numbers(client, progress)
    if not progress.is_new:
        _set_settings(client, progress)
    _set_status(client, progress)


def _close(client: Client, progress: Progress) -> None:
    try:
        _set_status(client, progress)
    except NotFound:
        # It went away while we spoke: that is what was wanted.
        progress.line = None
        progress.dids = {}
    else:
        _free_numbers(client, progress)


def finish_push(client: Client, progress: Progress) -> PushOutcome:
    """Take the numbers that the line gains, and say what it all came to.

    A number that is refused does not keep the others away; the first error counts.
    """
    for terms in progress.lacking():
        if not _take_number(client, progress, terms):
            break
    line = progress.line
    return PushOutcome(
        remote_id=line and line.remote_id,
        account_code=line and line.account_code,
        plan_description=line and line.plan_description,
        # One that was merely read may be somebody's at the platform's panel.
        status=line.status if line and progress.is_status_settled else None,
        dids=tuple(progress.dids.values()),
        error=progress.error,
        conflicting_number=progress.conflicting_number,
        question=progress.question,
    )


def _take_number(client: Client, progress: Progress, terms: DidTerms) -> bool:
    """:return: whether there is sense in asking for the next one"""
    try:
        did = client.put_did(progress.line.remote_id, terms)
    except GatewayError as error:
        if progress.error is None:
            progress.error = error
            if isinstance(error, Conflict):
                progress.conflicting_number = terms.number
        return isinstance(error, RequestRefused)
    progress.dids[terms.number] = did
    return True


def _find_or_create(client: Client, progress: Progress) -> None:
    wanted = progress.wanted
    if wanted.remote_id is not None:
        # Gone there, or the id is another line's by now (another account, a platform
        # that began anew): that one is not ours to change. Ours is looked for by its
        # reference; a cancelled line that is not there is done, any other made again.
        with suppress(NotFound):
            line = client.get_line(wanted.remote_id)
            if _is_ours(line, wanted.settings):
                progress.saw(line)
                return
    if wanted.final:
        if line := _find(client, wanted.settings.reference):
            progress.saw(line)
        return
    try:
        password = wanted.settings.password or wanted.password
        settings = replace(wanted.settings, password=password)
        progress.saw(client.create_line(settings))
        progress.is_new = True
        return
    except Conflict as error:
        conflict = error
    # We made it before, and died before we knew.
    if conflict.remote_id is None:
        line = _find(client, wanted.settings.reference)
    else:
        line = client.get_line(conflict.remote_id)
    if line is None or line.reference != wanted.settings.reference:
        # The conflict is about something else: that line is not ours to change.
        raise conflict
    progress.saw(line)


def _is_ours(line: Line, settings: LineSettings) -> bool:
    """Whether a line is the one that is meant. One that was adopted may have no key of
    ours yet: then its account code must be the same, or whose it is."""
    if line.reference:
        return line.reference == settings.reference
    there = line.settings
    return line.account_code == settings.account_code or (
        there.customer_document is not None
        and there.customer_document == settings.customer_document
    )


def _find(client: Client, reference: str) -> Line | None:
    """The line of that reference.

    :raise NotUnderstood: if it may be among those that cannot be read
    """
    unread = None
    for line in client.iter_lines(reference=reference):
        if isinstance(line, Reject):
            # It may be ours: better asked than left alive.
            unread = line
        elif line.reference == reference:
            # Whatever the platform makes of the filter, no other line is ours.
            return line
    if unread is not None:
        raise NotUnderstood(unread.reason)
    return None


def _free_numbers(client: Client, progress: Progress) -> None:
    wanted = progress.wanted
    held = [terms.number for terms in wanted.dids]
    kept = set() if wanted.final else set(held)
    told = list(progress.dids) if progress.knows_dids else [*wanted.released, *held]
    for number in told:
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
        progress.is_status_settled = True
        return
    # Somebody changed it there since our last push: neither opened again nor taken
    # back without a question. What we want anew, a lower status, is no taking back.
    # A line that was just made is open because it is new.
    is_changed = not progress.is_new and wanted.pushed_status not in (None, present)
    is_raised = wanted.status.openness > present.openness
    is_taken_back = wanted.status == wanted.pushed_status
    if is_changed and not wanted.final and (is_raised or is_taken_back):
        progress.question = present
        return
    line = client.set_status(progress.line.remote_id, wanted.status)
    progress.line = replace(progress.line, status=line.status)
    progress.is_status_settled = True


def _has(did: Did | None, terms: DidTerms) -> bool:
    return (
        did is not None
        and did.monthly_fee == terms.monthly_fee
        and did.accept_collect_calls == terms.accept_collect_calls
    )

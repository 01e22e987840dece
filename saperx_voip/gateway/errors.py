"""What can go wrong between us and a platform, by what it means for us.

``transient`` errors are tried again by themselves; the others wait for a person.
No message carries a secret: messages are shown and logged.
"""


class GatewayError(Exception):
    """Base of all; ``str(error)`` is safe to show."""

    transient = False


class Unreachable(GatewayError):
    """No answer, a cut one, a 5xx, or no time left: try again later.

    :ivar str cause: ``timeout``, ``unknown_host``, ``refused``, ``broken_off``,
        ``insecure``; ``fault`` where it failed on what it was asked (500); or empty
        where the message alone tells
    """

    transient = True

    def __init__(self, message: str, cause: str = ""):
        super().__init__(message)
        self.cause = cause


class CertificateRefused(GatewayError):
    """The host answers, but its certificate cannot be trusted."""


class RateLimited(GatewayError):
    """429 or 503 with a pause; ``retry_after`` is in seconds (None: not told)."""

    transient = True

    def __init__(self, message: str, retry_after: float | None = None):
        super().__init__(message)
        self.retry_after = retry_after


class CredentialsRefused(GatewayError):
    """The platform refused a login.

    :ivar str message: the platform's words
    :ivar tuple fields: which of ``Credentials`` they name; empty if they name none
    """

    def __init__(self, message: str, fields: tuple[str, ...] = ()):
        super().__init__(message)
        self.message = message
        self.fields = fields


class LoginExpired(GatewayError):
    """A fresh token was refused again: neither refresh nor login helped."""

    transient = True


class RequestRefused(GatewayError):
    """A 4xx with the platform's reason: waits for a change on our side.

    :ivar int status: HTTP status; 0 if it could not be sent as it was
    :ivar str message: the platform's words
    :ivar dict errors: field name (the platform's) to a list of messages
    """

    def __init__(self, status: int, message: str, errors: dict | None = None):
        self.status = status
        self.message = message
        self.errors = errors or {}
        details = "; ".join(
            f"{name}: {', '.join(texts)}" for name, texts in self.errors.items()
        )
        super().__init__(f"{message} ({details})" if details else message)


class NotFound(RequestRefused):
    """404: what was named does not exist there."""


class Conflict(RequestRefused):
    """409. ``remote_id`` is the id of what exists already, if the platform says."""

    def __init__(self, status, message, errors=None, remote_id: int | None = None):
        super().__init__(status, message, errors)
        self.remote_id = remote_id


class CursorExpired(RequestRefused):
    """410: the window must be read again from its beginning."""


class NotUnderstood(GatewayError):
    """An answer that is no SaperX answer (HTML, broken JSON, too large, a
    redirect to another host, a missing required field)."""


class AnotherPage(NotUnderstood):
    """A page of a listing that was not asked for."""

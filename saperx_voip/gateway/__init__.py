"""Speaks to the platform; pure Python, no Odoo. Start reading at ``client.py``."""

from .ahead import ReadAhead
from .client import Client
from .difference import (
    COMPARED_SETTINGS,
    Difference,
    DifferenceKind,
    differences,
    read_terms,
    told,
    told_terms,
)
from .errors import (
    CertificateRefused,
    Conflict,
    CredentialsRefused,
    CursorExpired,
    GatewayError,
    LoginExpired,
    NotFound,
    NotUnderstood,
    RateLimited,
    RequestRefused,
    Unreachable,
)
from .exchange import Exchange
from .live import LastCalls, read_last_calls, read_registrations
from .patience import Patience
from .push import Progress, PushOutcome, WantedLine, begin_push, finish_push
from .pusher import ACCOUNT_TROUBLE, SPEAK_SECONDS, Pusher
from .records import (
    Call,
    CallPage,
    Credentials,
    Did,
    DidTerms,
    Direction,
    Group,
    Line,
    LineSettings,
    LineStatus,
    Outcome,
    Plan,
    Problem,
    Registration,
    Reject,
    Tokens,
)
from .tokens import MemoryTokenStore, TokenStore
from .wire import (
    CALL_CLASS_WORDS,
    known_call_class,
    member_text,
    named_field,
    read_call,
)

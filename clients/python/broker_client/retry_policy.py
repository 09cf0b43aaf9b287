"""The retry rules: what to do after an answer, and how long to wait first.

No other module decides this, and this module sends nothing. tests/retry_cases.json has one row
for each case. To add a rule, add it to RULES and add a row.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from broker_client.errors import (
    BrokerError,
    ClientError,
    NetworkError,
    S3Refused,
    StillProcessing,
    WrongFile,
)
from broker_client.steps import Steps, Wait

DEFAULT_RETRIES = 6
FIRST_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 20.0
MAX_RETRY_AFTER_SECONDS = 120.0  # the longest `Retry-After` that the client waits for
FIRST_POLL_SECONDS = 1.0
MAX_POLL_SECONDS = 4.0
RESEND_AFTER_CONFIRMS = 3
RENEW_EARLY_SECONDS = 5.0  # renew a form this long before it expires: it must still reach S3

Phase = Literal[
    "send",  # S3 answered a whole file
    "part",  # S3 answered one part
    "advice",  # the broker answered the report of a failure
    "request",  # the broker, or something in between, answered any request to the API
    "batch",  # the request for several tickets failed
    "confirm",  # confirming failed, also after the retries of `request`
    "parts",  # listing the parts failed, also after the retries of `request`
    "complete",  # completing failed, also after the retries of `request`
    "poll",  # asking for the uploads that are being processed failed
    "transfer",  # sending or confirming failed
    "end",  # the upload failed: what happens to its journal entry
]


class Decision(StrEnum):
    """What to do next."""

    RETRY = "retry"  # repeat the same request
    RENEW = "renew"  # renew the form or the part's URL, then send again
    CONFIRM = "confirm"  # confirm: the bytes have arrived, or the image is recorded
    REPORT = "report"  # report the failure to the broker, and follow its advice
    GIVE_UP = "give_up"
    SIGN_IN = "sign_in"  # get a new token
    SEND_AGAIN = "send_again"  # the whole file
    NEXT_ROUND = "next_round"  # ask again which parts are missing
    ONE_BY_ONE = "one_by_one"  # one request for each ticket or upload
    RESTART = "restart"  # start again with a new ticket
    FORGET = "forget"  # forget the upload: delete the journal entry
    KEEP = "keep"  # keep the journal entry: a later call can resume the upload


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An answer, or a missing answer, in the form that the rules use.

    Args:
        status: the HTTP status; 0 if no answer came.
        code: the broker's or S3's code, or one of this client's codes: `network`,
            `unexpected_answer`, `wrong_file`, `s3_refused`, `still_processing`.
        message: S3's message.
        retry_after: seconds.
        from_proxy: whether something between this machine and S3 answered.
        resumed: whether the upload had an id already when it started.
        tries: how often this request got an answer, including this one.
    """

    status: int = 0
    code: str = ""
    message: str = ""
    retry_after: float | None = None
    from_proxy: bool = False
    resumed: bool = False
    tries: int = 1

    @classmethod
    def of(cls, error: ClientError, *, resumed: bool = False, tries: int = 1) -> "Failure":
        """Create a failure from an exception."""
        if isinstance(error, BrokerError):
            return cls(
                status=error.status,
                code=error.code,
                retry_after=error.retry_after,
                resumed=resumed,
                tries=tries,
            )
        if isinstance(error, S3Refused) and error.action == "give_up":
            return cls(code="s3_refused", resumed=resumed)
        names = {
            NetworkError: "network",
            WrongFile: "wrong_file",
            StillProcessing: "still_processing",
        }
        code = next((code for kind, code in names.items() if isinstance(error, kind)), "")
        return cls(code=code, resumed=resumed)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A decision for some phases and failures."""

    phases: tuple[Phase, ...]
    when: Callable[[Failure], bool] = lambda _: True
    decision: Decision


def _code(*codes: str) -> Callable[[Failure], bool]:
    return lambda failure: failure.code in codes


def _temporary(failure: Failure) -> bool:
    return failure.status in (408, 429) or failure.status >= 500


_SAYS_EXPIRED = ("expired", "expiration date is in the past", "date is too old")
# The first rule that matches decides. If no rule matches, the client gives up.
RULES = (
    # A captive portal or a proxy answered. That says nothing about the upload, whatever the status.
    Rule(phases=("send", "part"), when=lambda f: f.from_proxy, decision=Decision.RETRY),
    Rule(
        phases=("send", "part"),
        when=lambda f: 200 <= f.status < 300,
        decision=Decision.CONFIRM,
    ),
    # S3 writes an object once: an earlier PUT has arrived, and its answer was lost.
    Rule(phases=("send", "part"), when=lambda f: f.status == 412, decision=Decision.CONFIRM),
    # S3 does not know the multipart upload. The list of parts says what happened to it.
    # NoSuchKey is Ceph's and OpenStack Swift's code for it.
    Rule(
        phases=("part",),
        when=_code("NoSuchUpload", "NoSuchKey"),
        decision=Decision.NEXT_ROUND,
    ),
    # Only the message says that it expired. The code is AccessDenied, as for a wrong signature, or
    # InvalidRequest on Garage.
    Rule(
        phases=("send", "part"),
        when=lambda f: (
            (f.status == 403 or f.code == "InvalidRequest")
            and any(text in f.message.lower() for text in _SAYS_EXPIRED)
        ),
        decision=Decision.RENEW,
    ),
    Rule(phases=("send", "part"), when=lambda f: f.status == 0, decision=Decision.RETRY),
    # The server lacks what the request needs: R2 and B2 take no forms. The broker advises to
    # give up.
    Rule(phases=("send", "part"), when=_code("NotImplemented"), decision=Decision.REPORT),
    # S3 (400 RequestTimeout) or a proxy (408) closes a connection that was dead for too long.
    # These are not reported: after a few reports the broker gives an upload up, and a train
    # passes through many tunnels.
    Rule(
        phases=("send", "part"),
        when=lambda f: _temporary(f) or f.code == "RequestTimeout",
        decision=Decision.RETRY,
    ),
    Rule(phases=("send", "part"), decision=Decision.REPORT),
    Rule(phases=("advice",), when=_code("retry"), decision=Decision.RETRY),
    Rule(phases=("advice",), when=_code("renew"), decision=Decision.RENEW),
    Rule(phases=("advice",), when=_code("confirm"), decision=Decision.CONFIRM),
    Rule(phases=("request",), when=lambda f: f.status == 401, decision=Decision.SIGN_IN),
    # Wait for a rate limit, but raise the error for a long one.
    Rule(
        phases=("request",),
        when=lambda f: f.status == 429 and (f.retry_after or 0.0) > MAX_RETRY_AFTER_SECONDS,
        decision=Decision.GIVE_UP,
    ),
    # Not the broker's answer, but as a captive portal or a proxy refuses or redirects a request.
    Rule(
        phases=("request",),
        when=lambda f: f.code == "unexpected_answer" and (f.status < 400 or f.status in (403, 407)),
        decision=Decision.RETRY,
    ),
    Rule(
        phases=("request",),
        when=lambda f: _temporary(f) or f.code in ("network", "idempotency_in_flight"),
        decision=Decision.RETRY,
    ),
    # The ad has too few free slots, or one file is not valid: no ticket was issued.
    Rule(
        phases=("batch",),
        when=_code("validation_error", "image_limit_reached", "body_too_large"),
        decision=Decision.ONE_BY_ONE,
    ),
    # The file was sent, but the bucket does not show it: send it once more.
    Rule(
        phases=("confirm",),
        when=lambda f: f.code == "object_missing" and f.tries == RESEND_AFTER_CONFIRMS,
        decision=Decision.SEND_AGAIN,
    ),
    # The bucket does not show the object yet.
    Rule(phases=("confirm", "complete"), when=_code("object_missing"), decision=Decision.RETRY),
    Rule(phases=("complete",), when=_code("parts_missing"), decision=Decision.NEXT_ROUND),
    # Settled: `complete` returns the image. Missing: S3 is still completing the upload.
    Rule(
        phases=("parts",),
        when=_code("upload_settled", "object_missing"),
        decision=Decision.CONFIRM,
    ),
    # A release before 0.4 does not have this path.
    Rule(
        phases=("poll",),
        when=_code("not_found", "method_not_allowed"),
        decision=Decision.ONE_BY_ONE,
    ),
    Rule(
        phases=("poll",),
        when=lambda f: f.status == 429 and (f.retry_after or 0.0) > MAX_RETRY_AFTER_SECONDS,
        decision=Decision.GIVE_UP,
    ),
    # The file is safe: go on until the timeout, however often the network fails.
    Rule(
        phases=("poll",),
        when=lambda f: _temporary(f) or f.code in ("network", "unexpected_answer"),
        decision=Decision.RETRY,
    ),
    # The image is recorded: an answer was lost, and a bucket notification or another sender
    # was faster.
    Rule(phases=("transfer",), when=_code("upload_settled"), decision=Decision.CONFIRM),
    # An answer of a proxy contains no information about the upload.
    Rule(phases=("end",), when=_code("unexpected_answer"), decision=Decision.KEEP),
    Rule(phases=("end",), when=lambda f: f.status == 410, decision=Decision.RESTART),
    Rule(
        phases=("end",),
        when=lambda f: (
            f.resumed and (f.status == 404 or f.code in ("object_mismatch", "wrong_file"))
        ),
        decision=Decision.RESTART,
    ),
    Rule(
        phases=("end",),
        when=lambda f: 400 <= f.status < 500 and f.status not in (401, 409, 429),
        decision=Decision.FORGET,
    ),
    Rule(phases=("end",), when=_code("wrong_file", "s3_refused"), decision=Decision.FORGET),
    Rule(phases=("end",), decision=Decision.KEEP),
)


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """The rules together with one client's number of retries.

    Args:
        retries: the maximum number of repeats of one request after its first try.
        jitter: returns a random number from 0 to 1.
    """

    retries: int
    jitter: Callable[[], float]

    def decide(self, phase: Phase, failure: Failure) -> Decision:
        """Return what to do after a failure."""
        rule = self.rule_of(phase, failure)
        return Decision.GIVE_UP if rule is None else rule.decision

    def rule_of(self, phase: Phase, failure: Failure) -> Rule | None:
        """Return the first rule that matches."""
        fitting = (rule for rule in RULES if phase in rule.phases and rule.when(failure))
        return next(fitting, None)

    def backoff(self, tries: int) -> float:
        """Return the seconds to wait after a try. They double with each try; half is random."""
        longest = min(FIRST_BACKOFF_SECONDS * 2.0 ** min(tries - 1, 10), MAX_BACKOFF_SECONDS)
        return longest * (0.5 + self.jitter() / 2)

    def poll_pause(self, polls: int) -> float:
        """Return the seconds before a poll, after so many polls since the last upload was added."""
        longest = min(FIRST_POLL_SECONDS * 1.5 ** min(polls, 10), MAX_POLL_SECONDS)
        return longest * (0.5 + self.jitter() / 2)

    def pauses(self) -> Iterator[float]:
        """Yield the seconds to wait before each retry."""
        return (self.backoff(tries) for tries in range(1, self.retries + 1))


def seconds_to_wait(pause: float, retry_after: float | None) -> float:
    """Return the pause, or the server's `Retry-After` if that is longer."""
    return max(pause, min(retry_after or 0.0, MAX_RETRY_AFTER_SECONDS))


def wait_before_retry(pauses: Iterator[float], retry_after: float | None = None) -> Steps[bool]:
    """Wait before a retry. Return False, without waiting, if no retry is left."""
    pause = next(pauses, None)
    if pause is None:
        return False
    yield Wait(seconds=seconds_to_wait(pause, retry_after))
    return True

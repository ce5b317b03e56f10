"""What an actor is: messages, a private mailbox, turns, replies, and the letters nobody took.

Owns no policy and knows nothing of processes. Start reading at `_messages`, then `_mailbox`.
"""

from ._dead_letters import DeadLetter, DeadLetters
from ._deadline import deadline_after
from ._dispatcher import Dispatcher, JobQueue, Slots, Worker, current_job, job_in
from ._errors import ActorGone, MailboxFull, ProcessEngineError, RuntimeClosed, StaleIncarnation
from ._mailbox import Mailbox
from ._messages import (
    Cancel,
    Lane,
    Message,
    Pause,
    PausedTimeouts,
    PauseMode,
    Query,
    Resume,
    Retry,
    Signal,
    Skip,
    Update,
)
from ._reply import Reply
from ._turns import Actor, TurnLoop

__all__ = [
    "Actor",
    "ActorGone",
    "Cancel",
    "DeadLetter",
    "DeadLetters",
    "Dispatcher",
    "JobQueue",
    "Lane",
    "Mailbox",
    "MailboxFull",
    "Message",
    "Pause",
    "PauseMode",
    "PausedTimeouts",
    "ProcessEngineError",
    "Query",
    "Reply",
    "Resume",
    "Retry",
    "RuntimeClosed",
    "Signal",
    "Skip",
    "Slots",
    "StaleIncarnation",
    "TurnLoop",
    "Update",
    "Worker",
    "current_job",
    "deadline_after",
    "job_in",
]

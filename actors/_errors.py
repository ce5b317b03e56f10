"""The root of every error the engine raises on purpose."""

import attrs


class ProcessEngineError(Exception):
    """Base of all errors raised by ProcessEngine; catch it to catch them all."""

    def __repr__(self) -> str:
        # One for all: attrs would compile one for each class, 4 ms of 150 that the import takes.
        cls = type(self)
        if not attrs.has(cls):
            return super().__repr__()
        fields = (f"{each.name}={getattr(self, each.name)!r}" for each in attrs.fields(cls))
        return f"{cls.__name__}({', '.join(fields)})"


@attrs.define(eq=False, repr=False, str=False)
class MailboxFull(ProcessEngineError):
    """A user message was refused, as the actor's mailbox is at its bound; slow down and retry."""

    address: str
    capacity: int

    def __str__(self) -> str:
        return f"the mailbox of {self.address!r} is full: {self.capacity} messages are waiting"


@attrs.define(eq=False, repr=False, str=False)
class ActorGone(ProcessEngineError):
    """A message could not be delivered: there is no such actor, or it has ended for good."""

    address: str
    why: str

    def __str__(self) -> str:
        return f"nothing was delivered to {self.address!r}: {self.why}"


@attrs.define(eq=False, repr=False, str=False)
class StaleIncarnation(ProcessEngineError):
    """A handle of an earlier life was used; fetch a fresh one, the message was not applied."""

    address: str
    incarnation: int
    current: int

    def __str__(self) -> str:
        return (
            f"the handle of {self.address!r} belongs to incarnation {self.incarnation},"
            f" but incarnation {self.current} is alive"
        )


@attrs.define(eq=False, repr=False, str=False)
class RuntimeClosed(ProcessEngineError):
    """The runtime behind a handle has ended, or is not in this operating system process."""

    runtime: str

    def __str__(self) -> str:
        return f"runtime {self.runtime!r} is not running in this process"

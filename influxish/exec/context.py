"""What a running query is bound by: its limits, its cancel switch, its memory budget and the pool it works on.

Operators look at it between batches; nothing here knows an operator.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Mapping
from contextlib import ExitStack
from copy import copy
from dataclasses import dataclass, field

from influxish.errors import LimitExceeded, QueryCancelled
from influxish.exec.pool import WorkerPool
from influxish.exec.profile import Profile
from influxish.settings import check_settings, duration, whole_number
from influxish.storage.interface import ShardSource, Sink

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may use. Every setting can be given to `influxish.open()`.

    Raises: InfluxishError: a value that makes no sense.

    Attributes:
        max_query_memory: bytes of batches and states held at one time.
        max_query_seconds: wall time from the start of a query to its last row; 0 is no limit.
        max_buckets: rows that filling empty time buckets may make.
    """

    max_query_memory: int = field(default=1024 * MIB, metadata=whole_number("bytes", "1 << 30", least=1).metadata)
    max_query_seconds: float = field(default=0.0, metadata=duration("30").metadata)
    max_buckets: int = field(default=20_000_000, metadata=whole_number("rows", "1_000_000", least=1).metadata)

    def __post_init__(self) -> None:
        check_settings(self)


class CancelSwitch:
    """Cancels the query it was given to, from any thread. Once set it stays set."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    @property
    def is_set(self) -> bool:
        return self._event.is_set()


class MemoryBudget:
    """Counts the bytes a query holds; safe to use from all of its workers."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self.peak = 0
        self._lock = threading.Lock()

    def take(self, nbytes: int) -> None:
        """Hold `nbytes` more (or give back, if negative).

        Raises:
            LimitExceeded: the budget would be passed; nothing is taken then.
        """
        with self._lock:
            if nbytes > 0 and self.held + nbytes > self.limit:
                raise LimitExceeded(
                    f"the query needs more than {self.limit // MIB} MiB of memory (it holds {self.held // MIB} MiB and "
                    f"asks for {max(1, nbytes // MIB)} more): narrow its time range, group by less, add a LIMIT, or "
                    "raise max_query_memory",
                    limit="max_query_memory",
                )
            self.held += nbytes
            self.peak = max(self.peak, self.held)


class Account:
    """The part of a budget that one operator holds."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self.held = 0

    def set(self, nbytes: int) -> None:
        """Hold exactly `nbytes` from now on."""
        self._budget.take(nbytes - self.held)
        self.held = nbytes

    def add(self, nbytes: int) -> None:
        self.set(self.held + nbytes)


@dataclass(slots=True)
class QueryContext:
    """Everything a query needs while it runs.

    Attributes:
        sink: where the rows of a SELECT … INTO go; None for a query that writes nothing.
        shards: the snapshots that the scans of the graph name; known once the query is linked.
        runs: node → what is run once for several readers.
        at_end: what is to be given back when the query has ended.
        closing: set when the database is closed; all queries of a database share it.
        killed: set by KILL QUERY; the statements of one text share it.
        started: `time.monotonic()` when the query began, before it was parsed.
        deadline: `time.monotonic()` after which the query is stopped; None without a limit.
        profile: what EXPLAIN ANALYZE reads.
    """

    pool: WorkerPool
    limits: Limits = field(default_factory=Limits)
    cancel: CancelSwitch = field(default_factory=CancelSwitch)
    closing: CancelSwitch = field(default_factory=CancelSwitch)
    killed: CancelSwitch = field(default_factory=CancelSwitch)
    profile: Profile = field(default_factory=Profile)
    started: float = field(default_factory=time.monotonic)
    shards: Mapping[str, ShardSource] = field(default_factory=dict)
    sink: Sink | None = None
    runs: dict[Hashable, object] = field(default_factory=dict)
    at_end: ExitStack = field(default_factory=ExitStack)
    memory: MemoryBudget = field(init=False)
    deadline: float | None = field(init=False)
    _parent: QueryContext | None = field(default=None, init=False, repr=False)
    _abandoned: bool = field(default=False, init=False, repr=False)

    def __post_init__(self) -> None:
        self.memory = MemoryBudget(self.limits.max_query_memory)
        seconds = self.limits.max_query_seconds
        self.deadline = self.started + seconds if seconds > 0 else None

    def fork(self) -> QueryContext:
        """A context for a part of the query: everything is shared, but the part can be abandoned by itself."""
        part = copy(self)
        part._parent, part._abandoned = self, False
        return part

    def abandon(self) -> None:
        """Stop whatever still runs under this context at its next look: nobody waits for it any more."""
        self._abandoned = True

    def account(self) -> Account:
        return Account(self.memory)

    def look(self) -> None:
        """Stop here if the query was cancelled or killed, its database closed, or it is out of time.

        Raises:
            QueryCancelled, LimitExceeded
        """
        if self.cancel.is_set:
            raise QueryCancelled("the query was cancelled")
        if self.killed.is_set:
            raise QueryCancelled("query interrupted")
        if self.closing.is_set:
            raise QueryCancelled("the query was cancelled: the database was closed")
        context: QueryContext | None = self
        while context is not None:
            if context._abandoned:
                raise QueryCancelled("this part of the query is not needed any more")
            context = context._parent
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise LimitExceeded(
                f"the query took longer than {self.limits.max_query_seconds:g} s: narrow its time range or raise "
                "max_query_seconds",
                limit="max_query_seconds",
            )

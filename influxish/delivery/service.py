"""All subscriptions of a database being served."""

from __future__ import annotations

import threading
import time

from influxish.delivery.options import DeliveryOptions
from influxish.delivery.outlet import Outlet
from influxish.errors import without_password
from influxish.storage.points import PointBatch
from influxish.storage.subscriptions import Subscribed, Subscriptions

CLOSING_SECONDS = 2.0
"""For so long closing a database waits for destinations to take what was written last."""

_ENDING_SECONDS = 0.5
"""So much longer it waits for what is being sent then to be broken off."""


class Delivery:
    """Sends copies of written points to the subscriptions of their policy. Thread-safe.

    Attributes:
        accepted_writes, dropped_writes: times that points were taken for a subscription, or found no room there.
    """

    def __init__(self, subscriptions: Subscriptions, options: DeliveryOptions) -> None:
        self._subscriptions, self.options = subscriptions, options
        self._lock = threading.Lock()
        self._outlets: dict[Subscribed, Outlet] = {}
        self._closed = False
        self.accepted_writes = self.dropped_writes = 0

    def written(self, database: str, policy: str, points: PointBatch) -> None:
        """Hand on points that were written. Returns at once."""
        if not self.options.deliver_subscriptions:
            return
        for subscribed in self._subscriptions.of(database, policy):
            outlet = self._outlet(subscribed)
            taken = outlet is not None and outlet.offer(points)
            with self._lock:
                self.accepted_writes += taken
                self.dropped_writes += not taken

    def outlets(self) -> list[Outlet]:
        """Of all subscriptions that there are and that were sent anything."""
        known = self._subscriptions.all()
        with self._lock:
            for gone in self._outlets.keys() - set(known):
                del self._outlets[gone]
            return [self._outlets[subscribed] for subscribed in known if subscribed in self._outlets]

    def failures(self) -> list[str]:
        """What went wrong with each subscription of which a destination failed or points were dropped, in words."""
        told = []
        for outlet in self.outlets():
            where = f"{outlet.subscribed.database}.{outlet.subscribed.policy}"
            name = f"subscription {outlet.subscribed.subscription.name} on {where}"
            for counts in outlet.counts:
                if counts.write_failures:
                    failed = f"{counts.write_failures:,} writes failed, the last one with: {counts.last_error}"
                    told.append(f"{name}: {without_password(counts.url)}: {failed}")
            if outlet.dropped_points:
                told.append(f"{name}: {outlet.dropped_points:,} points were dropped while too many waited")
        return told

    def flush(self, seconds: float) -> bool:
        """Wait until everything was sent, so long at most; whether that came about."""
        deadline = time.monotonic() + seconds
        return all(outlet.flush(max(deadline - time.monotonic(), 0)) for outlet in self.outlets())

    def close(self) -> None:
        """Send what waits, as far as that takes `CLOSING_SECONDS`, for all subscriptions at once. Safe to repeat."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            outlets = list(self._outlets.values())
        for outlet in outlets:
            outlet.finish()
        deadline = time.monotonic() + CLOSING_SECONDS
        late = [outlet for outlet in outlets if not outlet.flush(max(deadline - time.monotonic(), 0))]
        for outlet in late:
            outlet.abort()
        deadline = time.monotonic() + _ENDING_SECONDS
        for outlet in outlets:
            outlet.join(max(deadline - time.monotonic(), 0))

    def _outlet(self, subscribed: Subscribed) -> Outlet | None:
        with self._lock:
            if self._closed:
                return None
            outlet = self._outlets.get(subscribed)
            if outlet is None:
                there = subscribed.database, subscribed.policy
                outlet = Outlet(subscribed, self.options, lambda: subscribed in self._subscriptions.of(*there))
                self._outlets[subscribed] = outlet
            return outlet

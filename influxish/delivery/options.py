"""What can be chosen about deliveries when a database is opened."""

from __future__ import annotations

from dataclasses import dataclass, field

from influxish.settings import check_settings, duration, flag, whole_number


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """Settings of deliveries. Each can be given to `influxish.open()`.

    Raises: InfluxishError: a value that makes no sense.

    Attributes:
        deliver_subscriptions: whether anything is sent at all.
        subscription_buffer: how many writes wait for each subscription; what comes while so many do is dropped.
        subscription_timeout: seconds for which a destination may leave a request unanswered; 0 is no limit.
    """

    deliver_subscriptions: bool = field(default=False, metadata=flag().metadata)
    subscription_buffer: int = field(default=1000, metadata=whole_number("writes", "1000", least=1).metadata)
    subscription_timeout: float = field(default=30.0, metadata=duration("30").metadata)

    def __post_init__(self) -> None:
        check_settings(self)

"""How fast to call AWS: a token bucket per (account, region, service) that learns from throttling.

Service Catalog documents no request rates, so none is assumed: the rate doubles while nothing is
throttled, is halved by a throttled response and then climbs slowly (additive increase,
multiplicative decrease, as TCP does).
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Bounds of a bucket, in requests per second.

    Attributes:
        start: rate at first.
        floor: never slower.
        ceiling: never faster.
        burst: requests that may go out at once.
        climb: requests per second gained per second after a throttle.
    """

    start: float = 40.0
    floor: float = 0.5
    ceiling: float = 200.0
    burst: float = 40.0
    climb: float = 1.0

    def seconds_for(self, calls: int) -> float:
        """Return the least time in which so many calls may be sent while nothing is throttled."""
        waiting = calls - self.burst
        return math.log1p(waiting / self.start) if waiting > 0 else 0.0


class Bucket:
    """A token bucket whose rate adapts; safe to share between threads.

    Args:
        pace: its bounds.
        clock: monotonic seconds.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        *,
        pace: Pace,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pace = pace
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._tokens = pace.burst
        self._rate = pace.start
        self._probing = True
        self._filled_at = clock()
        self._slowed_at = float("-inf")

    @property
    def rate(self) -> float:
        """Requests per second that are allowed now."""
        return self._rate

    def take(self) -> None:
        """Wait until one more request may be sent."""
        with self._lock:
            self._fill()
            self._tokens -= 1.0
            wait = -self._tokens / self._rate if self._tokens < 0 else 0.0
        if wait:
            # The token is already spent: waiting outside the lock keeps the queue in order.
            self._sleep(wait)

    def throttled(self) -> None:
        """Learn that AWS refused a request as too many."""
        with self._lock:
            self._fill()
            now = self._filled_at
            # Requests sent before the last slow-down say nothing about the new rate.
            if now - self._slowed_at < 0.5:
                return
            self._slowed_at = now
            self._probing = False
            self._rate = max(self._pace.floor, self._rate / 2)
            self._tokens = min(self._tokens, 0.0)

    def _fill(self) -> None:
        now = self._clock()
        passed = max(0.0, now - self._filled_at)
        self._filled_at = now
        self._tokens = min(self._pace.burst, self._tokens + passed * self._rate)
        gain = self._rate * passed if self._probing else self._pace.climb * passed
        self._rate = min(self._pace.ceiling, self._rate + gain)

"""Random times and sizes as they were measured of real Squid and Envoy; times are us."""

from __future__ import annotations

import numpy as np

from egresslog.linking.model import Floats, Ints
from simulate.world import World

MS = 1_000.0
DENIED_PAGES = (3_584, 3_590, 3_601)
FAILED_PAGES = (3_359, 3_359, 3_359, 3_659, 3_662, 3_671, 4_143)  # refused mostly, unknown names
HEAD_BYTES = 39  # HTTP/1.1 200 Connection established
_LONGEST = 120_000 * MS
_LATEST = 190.0 * MS


class Draw:
    """One source of randomness for one world; every method draws ``n`` values."""

    def __init__(self, world: World) -> None:
        self.world, self.random = world, np.random.default_rng(world.seed)
        self.common = np.random.default_rng(7).integers(900, 60_000, 8)

    def happens(self, n: int, share: float) -> np.typing.NDArray[np.bool_]:
        return self.random.random(n) < share

    def exponential(self, n: int, mean: float) -> Floats:
        return self.random.exponential(mean, n)

    def mixed(self, n: int, mean: float, share: float, tail: float) -> Floats:
        """Exponential of the first mean, a share of them of the second."""
        return self.random.exponential(1.0, n) * np.where(self.happens(n, share), tail, mean)

    def choice(self, n: int, values: tuple[int, ...]) -> Ints:
        return self.random.choice(np.array(values), n)

    def size(self, n: int) -> Ints:
        """Bytes down: heads of 39 bytes included; many of a few sizes."""
        own = (HEAD_BYTES + self.random.lognormal(8.5, 1.3, n)).astype(np.int64)
        return np.where(self.happens(n, self.world.repeated), self.random.choice(self.common, n), own)

    def request(self, n: int) -> Ints:
        """Bytes up: the request head, and mostly what is sent through the tunnel."""
        more = np.where(self.happens(n, 0.9), self.random.integers(300, 2_000, n), 0)
        return self.random.integers(140, 160, n) + more

    def delay(self, n: int) -> Floats:
        """From Envoy's start to Squid's: 0 to 4 ms, 3 % much more, never over 200 ms."""
        usual = self.random.gamma(2.0, 0.8 * MS, n)
        share = 1.0 - np.exp(-_LATEST / (50.0 * MS))
        slow = -50.0 * MS * np.log1p(-share * self.random.random(n))
        return np.where(self.happens(n, 0.03), slow, np.minimum(usual, _LATEST))

    def lasting(self, n: int) -> Floats:
        return np.minimum(_LONGEST, self.random.lognormal(5.5, 1.6, n) * MS)

    def closing(self, n: int) -> Floats:
        """From Squid's end to Envoy's: the app closed, or the origin and the app any time later."""
        short = self.happens(n, 0.6)
        late = np.minimum(30_000 * MS, self.random.lognormal(6.0, 1.7, n) * MS)
        origin = np.where(short, self.exponential(n, 3.0 * MS), late)
        return np.where(self.happens(n, self.world.origin_first), origin, self.app_closing(n))

    def app_closing(self, n: int) -> Floats:
        """A fraction of a millisecond, sometimes Squid later, sometimes Envoy by more."""
        size = self.mixed(n, 0.4 * MS, 0.03, 6.0 * MS)
        return np.where(self.happens(n, 0.2), -np.minimum(size, 3.0 * MS), size)

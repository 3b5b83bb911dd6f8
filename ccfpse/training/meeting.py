"""Where training processes find each other, each time anew.

torchrun keeps one store of keys through all restarts. What a process of an earlier attempt left
there, such as the address at which it could be reached, would be taken for its successor's; and no
number that torchrun gives counts the attempts alike on all machines.
"""

import json
import secrets
import time
from datetime import timedelta

from torch.distributed import PrefixStore, Store  # type: ignore[attr-defined]

from ccfpse.errors import TrainingError

_SECONDS_BETWEEN_LOOKS = 0.05


def fresh_store(store: Store, rank: int, count: int, patience: timedelta) -> Store:
    """A part of `store` in which only processes of this attempt write.

    Process 0 names the attempt; the others answer it with a number of their own, and go on once
    process 0 has repeated that number. So an earlier attempt's name is never taken for this one's.

    Raises:
        TrainingError: they are not all there after `patience`.
    """
    deadline = time.monotonic() + patience.total_seconds()
    mine = secrets.token_hex(8)
    if rank == 0:
        store.set("ccfpse", mine)
        answers = [_read(store, f"ccfpse/{mine}/{other}", deadline, count) for other in range(1, count)]
        store.set(f"ccfpse/{mine}", json.dumps(answers))
        return PrefixStore(mine, store)
    while True:
        attempt = _read(store, "ccfpse", deadline, count)
        store.set(f"ccfpse/{attempt}/{rank}", mine)
        if store.check([f"ccfpse/{attempt}"]) and mine in json.loads(store.get(f"ccfpse/{attempt}")):
            return PrefixStore(attempt, store)
        _pause(deadline, count)


def _read(store: Store, key: str, deadline: float, count: int) -> str:
    while not store.check([key]):
        _pause(deadline, count)
    return store.get(key).decode()


def _pause(deadline: float, count: int) -> None:
    if time.monotonic() > deadline:
        raise TrainingError(
            f"the training processes did not meet: not all {count} are there; look at what the others say"
        )
    time.sleep(_SECONDS_BETWEEN_LOOKS)

"""A lock that is handed over in order of arrival."""

from __future__ import annotations

import threading

from processengine.runtime.store._fair_lock import FairLock


def test_it_is_handed_over_in_order_of_arrival() -> None:
    lock, order = FairLock(), list[int]()
    threads: list[threading.Thread] = []

    def take(number: int) -> None:
        with lock:
            order.append(number)

    with lock:
        for number in range(20):
            threads.append(threading.Thread(target=take, args=(number,)))
            threads[-1].start()
            while lock.waiting <= number:
                pass
        assert order == []
    for thread in threads:
        thread.join()
    assert order == list(range(20))
    with lock:
        order.append(20)
    assert order[-1] == 20


def test_it_is_let_go_when_its_block_raises() -> None:
    lock = FairLock()
    try:
        with lock:
            raise ValueError  # noqa: TRY301
    except ValueError:
        pass
    with lock:
        assert lock.waiting == 0

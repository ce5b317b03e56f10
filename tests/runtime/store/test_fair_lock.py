"""A lock that is handed over in order of arrival."""

from __future__ import annotations

import signal
import threading

import pytest

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


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="nobody can be interrupted here")
def test_who_is_interrupted_while_waiting_holds_up_nobody() -> None:
    lock, main = FairLock(), threading.get_ident()
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            while not lock.waiting:
                pass
            signal.pthread_kill(main, signal.SIGINT)
            go.wait(60)

    def take() -> None:
        with lock:
            pass

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(60)
    with pytest.raises(KeyboardInterrupt), lock:
        pass
    go.set()
    next_one = threading.Thread(target=take, daemon=True)
    next_one.start()
    for thread in (holder, next_one):
        thread.join(60)
        assert not thread.is_alive()

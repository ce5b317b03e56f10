"""The service that looks at a runtime's figures time and again, and tells of alerts."""

from __future__ import annotations

import logging
from inspect import isawaitable
from typing import TYPE_CHECKING

import trio

from ..supervision import Child
from ._alerts import CALM, Alert, AlertChange, Past, Phase, Raised, next_phase, value_of
from ._metrics import PerformanceMetrics, metrics_of

if TYPE_CHECKING:
    from ._core import Core

logger = logging.getLogger("processengine.alerts")


class Alerting:
    """Watches some alerts of one runtime; what was raised stays so when this is restarted."""

    def __init__(self, core: Core, alerts: tuple[Alert, ...], interval: float) -> None:
        self._core = core
        self._interval = interval
        self._past = {alert: Past(alert.window) for alert in alerts}
        self._phases: dict[Alert, Phase] = dict.fromkeys(alerts, CALM)

    async def run(self) -> None:
        """Look every `interval` seconds, until cancelled; calls that are under way are too."""
        self._look()  # so that the first window begins with the runtime
        async with trio.open_nursery() as nursery:
            while True:
                await trio.sleep(self._interval)
                for change in self._look():
                    _log(change)
                    if change.alert.call is not None:
                        nursery.start_soon(_call, change)

    def _look(self) -> list[AlertChange]:
        metrics = metrics_of(self._core)
        return [
            change
            for alert in self._phases
            if (change := self._advance(alert, metrics)) is not None
        ]

    def _advance(self, alert: Alert, metrics: PerformanceMetrics) -> AlertChange | None:
        before = self._past[alert].add(metrics)
        value, phase = value_of(alert, before, metrics), self._phases[alert]
        self._phases[alert] = after = next_phase(alert, phase, value, metrics.uptime)
        was_raised, is_raised = isinstance(phase, Raised), isinstance(after, Raised)
        if value is None or is_raised is was_raised:
            return None
        return AlertChange(
            alert=alert,
            state="raised" if is_raised else "cleared",
            value=value,
            at=metrics.at,
            metrics=metrics,
        )


def _log(change: AlertChange) -> None:
    alert = change.alert
    if change.state == "raised":
        logger.warning(
            "alert %r: %s is %.4g, above %.4g",
            alert.name,
            alert.condition,
            change.value,
            alert.above,
        )
    else:
        logger.info("alert %r is over: %s is %.4g", alert.name, alert.condition, change.value)


async def _call(change: AlertChange) -> None:
    """Tell the host. Whatever it raises is kept from the runtime."""
    alert = change.alert
    assert alert.call is not None
    try:
        called = alert.call(change)
        if isawaitable(called):
            await called
    except Exception:
        logger.exception("the call of alert %r failed", alert.name)


def alerting(core: Core, alerts: tuple[Alert, ...], interval: float) -> tuple[Child, ...]:
    """The service, where there is anything to watch."""
    return (Child("alerts", Alerting(core, alerts, interval).run),) if alerts else ()

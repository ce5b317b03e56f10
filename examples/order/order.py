"""The order process drawn in Python; `order.yaml` beside it draws the same one.

    python examples/order/order.py

starts a small order and a large one, lets you see every step, and approves the large one.
"""

import trio
from order_nodes import (  # type: ignore[import-not-found] # a script's neighbour, unknown to mypy
    CardDeclined,
    CourierRefused,
    charge,
    invoice,
    pack,
    refund,
    release,
    reserve,
    screen,
    ship,
)

import processengine as pe


def is_large(total: float) -> bool:
    """Whether somebody has to look at the order first."""
    return total >= 1000


def is_approved(approval: object) -> bool:
    """Whether somebody has, and agreed."""
    return approval is True


def order_process() -> pe.ProcessDefinition:
    """Reserve, approve if large, charge, ship; undo on failure."""
    order = pe.ProcessBuilder(
        "order",
        timeout=24 * 3600,
        inputs=[
            pe.Input("order_id", "string", "A-17"),
            pe.Input("total", "double"),
            pe.Input("card", "string", "4242"),
            pe.Input("address", "string", "1 Main Street"),
            pe.Input("pace", "double", 0.5),
        ],
    )
    reserved = order.node(reserve)
    screened = order.node(screen)
    size = order.switch("size", {"large": is_large}, default="small")
    approval = order.wait("approval", within=3600)
    approved = order.switch("approved", {"yes": is_approved}, default="no")
    patient = pe.Retry(attempts=4, initial=0.2, never=(CardDeclined,))
    charged = order.node(charge, timeout=10, retry=patient)
    packed = order.node(pack)
    invoiced = order.node(invoice)
    brief = pe.Retry(attempts=2, initial=0.2, never=(CourierRefused,))
    shipped = order.node(ship, retry=brief)
    refunded = order.node(refund)
    released = order.node(release)

    reserved.then(size)
    screened.then(size)
    size.on("large").then(approval)
    size.on("small").then(charged)
    approval.then(approved)
    approval.on("timeout").then(released)
    approved.on("yes").then(charged)
    approved.on("no").then(released)
    charged.then(packed).then(shipped)
    charged.then(invoiced).then(shipped)
    charged.on("error").then(released)
    shipped.on("error").then(refunded).then(released)
    return order.build()


async def follow(handle: pe.ActorHandle) -> None:
    """Print what happens to an execution until it has ended."""
    async for event in handle.watch():
        match event:
            case pe.NodeEvent(kind="waiting"):
                print(f"{handle.id:6} {event.node} waits for its signal")
                await handle.signal("approval", payload=True)
            case pe.NodeEvent(kind="completed" | "retrying" | "failed"):
                print(f"{handle.id:6} {event.node} {event.kind} {event.detail}")
            case pe.StateEvent():
                print(f"{handle.id:6} is {event.state}")
            case _:
                pass


async def main() -> None:
    """Run a small order and a large one side by side."""
    order = order_process()
    async with pe.open_runtime() as runtime:
        async with trio.open_nursery() as nursery:
            for id, total in ("small", 120.0), ("large", 4000.0):
                handle = await runtime.spawn(order, {"order_id": id, "total": total}, id=id)
                nursery.start_soon(follow, handle)
        for id in "small", "large":
            outcome = await runtime.get(id).result()
            print(f"{id:6} {outcome.state} in {outcome.duration:.1f} s: {outcome.memory['ship']}")


if __name__ == "__main__":
    trio.run(main)

"""What the steps of the order process do. Nothing real is reserved, charged or sent.

Each is a plain function: its parameters are variables of the execution, by name, and what it
returns becomes the variable named after the node. `pace` is how many seconds it pretends to work.
"""

import trio

import processengine as pe


class CardDeclined(Exception):
    """The bank said no. Asking again would not change that."""


class CourierRefused(Exception):
    """The courier does not go there."""


async def reserve(order_id: str, pace: float) -> str:
    """Put the goods aside."""
    await trio.sleep(pace)
    return f"shelf-{order_id}"


async def screen(order_id: str, pace: float) -> str:
    """Look for signs of fraud, while the goods are put aside."""
    await trio.sleep(pace / 2)
    return f"{order_id} looks fine"


async def charge(total: float, card: str, pace: float, context: pe.NodeContext) -> str:
    """Take the money. The bank is busy the first time, so that a retry can be seen."""
    await trio.sleep(pace)
    if context.attempt == 1:
        raise ConnectionError("the bank is busy")
    if card == "declined":
        raise CardDeclined(f"no {total:.2f} from this card")
    # A real bank would be given the key, so that it drops repeats of the same charge.
    return f"receipt-{context.idempotency_key}"


async def pack(reserve: str, pace: float) -> str:
    """Put the reserved goods into a box."""
    await trio.sleep(pace)
    return f"box from {reserve}"


async def invoice(order_id: str, total: float, pace: float) -> str:
    """Write the invoice, while the box is packed."""
    await trio.sleep(pace / 2)
    return f"invoice {order_id}: {total:.2f}"


async def ship(pack: str, invoice: str, address: str, pace: float) -> str:
    """Hand box and invoice to the courier."""
    await trio.sleep(pace)
    if address == "nowhere":
        raise CourierRefused("there is no such address")
    return f"{pack} with {invoice}, on its way to {address}"


async def refund(charge: str, error: pe.ErrorContext, pace: float) -> str:
    """Give the money back, because what came after the payment failed."""
    await trio.sleep(pace)
    return f"{charge} returned: {error.message}"


async def release(reserve: str, pace: float) -> str:
    """Put the goods back on sale."""
    await trio.sleep(pace)
    return f"{reserve} is free again"

"""How errors look to who prints them."""

from __future__ import annotations

import pickle

import processengine as pe


def test_the_repr_of_an_error_names_its_fields() -> None:
    error = pe.MailboxFull("orders-1", 3)
    assert repr(error) == "MailboxFull(address='orders-1', capacity=3)"
    assert str(error) == "the mailbox of 'orders-1' is full: 3 messages are waiting"
    assert repr(pe.NonRetryable("no such card")) == "NonRetryable('no such card')"


def test_an_error_gets_through_a_pickle() -> None:
    again = pickle.loads(pickle.dumps(pe.MailboxFull("orders-1", 3)))
    assert repr(again) == "MailboxFull(address='orders-1', capacity=3)"

"""Values of variables as bytes and back, each with its exact type.

JSON-like values are plain msgpack. What msgpack would forget (a tuple is no list, a date no text)
is wrapped into one of its extension types, whose number and content are given by `FORMS`; a value
of a host's own type into `USER`, which names the tag it was registered under.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NoReturn

import msgspec
from msgspec.msgpack import Ext

from ._codec_errors import UnknownRecord, UnstorableValue
from ._forms import BROKEN_TEXT, FORMS, LARGE_INTEGER, OCCASIONAL, ODD_KEYS, Form, is_plain_key
from ._value_types import ValueTypes

USER: Final = 127
_BY_CODE: dict[int, Form] = {form.code: form for form in (*FORMS.values(), *OCCASIONAL)}
_AS_IT_IS = frozenset((type(None), bool, float, bytes))


class ValueCodec:
    """Packs values for msgspec's encoder, and is its decoder's `ext_hook`."""

    def __init__(self, types: ValueTypes) -> None:
        self._types = types
        self._encode: Callable[[object], bytes] = msgspec.msgpack.Encoder().encode
        self._decode: Callable[[memoryview], Any] = msgspec.msgpack.Decoder(
            ext_hook=self.unpack
        ).decode

    def pack(self, value: object) -> object:
        """The value with everything wrapped that msgpack alone would not give back as it was.

        Raises `UnstorableValue`, which tells where in the value the culprit is.
        """
        try:
            return self._pack(value)
        except RecursionError:
            advice = "it is nested too deeply, or contains itself"
            raise UnstorableValue("", _name_of(type(value)), advice) from None

    def variables(self, values: Mapping[str, object]) -> dict[str, object]:
        """As `pack`, for variables by name."""
        packed: dict[str, object] = {}
        for name, value in values.items():
            try:
                packed[name] = self.pack(value)
            except UnstorableValue as error:
                raise error.inside(f"[{name!r}]") from None
        return packed

    def items(self, values: Iterable[object]) -> list[object]:
        """As `pack`, for each of some values."""
        packed: list[object] = []
        try:
            for value in values:
                packed.append(self._pack(value))  # noqa: PERF401 - its length locates an error
        except UnstorableValue as error:
            raise error.inside(f"[{len(packed)}]") from None
        return packed

    def unpack(self, code: int, data: memoryview) -> object:
        """The value that was wrapped under this number of an extension type."""
        plain = self._decode(data)
        if code == USER:
            return self._unpack_user(*plain)
        form = _BY_CODE.get(code)
        if form is None:
            raise UnknownRecord("value", f"extension type {code} is not known")
        return form.from_plain(plain)

    def _pack(self, value: object) -> object:
        packer = _PACKERS.get(type(value))
        return self._pack_user(value) if packer is None else packer(self, value)

    def wrapped(self, form: Form, value: object) -> Ext:
        """A value within the extension type of its form."""
        return Ext(form.code, self._encode(self._pack(form.to_plain(value))))

    def pack_text(self, value: str) -> object:
        """As `pack`: nearly every text is plain."""
        plain = value.isascii() or is_plain_key(value)
        return value if plain else self.wrapped(BROKEN_TEXT, value)

    def pack_integer(self, value: int) -> object:
        """As `pack`: msgpack knows integers of 64 bits."""
        plain = -(2**63) <= value < 2**64
        return value if plain else self.wrapped(LARGE_INTEGER, value)

    def pack_dict(self, value: dict[object, object]) -> object:
        """As `pack`: msgpack gives back keys that are texts or integers."""
        packed: dict[object, object] = {}
        for key, item in value.items():
            if not ((type(key) is str and key.isascii()) or is_plain_key(key)):
                return self.wrapped(ODD_KEYS, value)
            try:
                packed[key] = item if type(item) in _AS_IT_IS else self._pack(item)
            except UnstorableValue as error:
                raise error.inside(f"[{key!r}]") from None
        return packed

    def _pack_user(self, value: object) -> Ext:
        registered = self._types.of(type(value))
        if registered is None:
            _refuse(type(value))
        plain = self._pack(registered.to_plain(value))
        return Ext(USER, self._encode((registered.tag, plain)))

    def _unpack_user(self, tag: str, plain: object) -> object:
        registered = self._types.tagged(tag)
        if registered is None:
            raise UnknownRecord("value", f"no type is registered under the tag {tag!r}")
        try:
            return registered.from_plain(plain)
        except Exception as error:  # a host's class, or its converter, raises what it likes
            why = f"{_name_of(registered.cls)} (tag {tag!r}) does not take what was stored"
            raise UnknownRecord("value", f"{why}: {error}") from error


def _refuse(cls: type) -> NoReturn:
    advice = (
        "use builtin types, or register it: "
        f"types.register({cls.__qualname__}, {cls.__name__.lower()!r})"
    )
    raise UnstorableValue("", _name_of(cls), advice)


def _name_of(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _wrapping(form: Form) -> Callable[[ValueCodec, Any], object]:
    return lambda codec, value: codec.wrapped(form, value)


_PACKERS: dict[type, Callable[[ValueCodec, Any], object]] = {
    **{cls: lambda codec, value: value for cls in _AS_IT_IS},
    **{cls: _wrapping(form) for cls, form in FORMS.items()},
    str: ValueCodec.pack_text,
    int: ValueCodec.pack_integer,
    dict: ValueCodec.pack_dict,
    list: ValueCodec.items,
}

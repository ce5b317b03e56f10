"""The definitions that a runtime knows by name: those it was given, and those it has loaded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from ..actors import Reply
from ..supervision import Child
from ._cache import Cache
from ._caches import DefinitionKey
from ._errands import Errands
from ._errors import BadLoad, UnknownDefinition
from .definition import ProcessDefinition

Loader = Callable[[str, int | None], Awaitable[ProcessDefinition | None]]
"""Gives a definition by id and version, or the newest by its id alone; None if there is none."""


_LONGEST_VERSION = 19  # digits: no definition has a longer one


class Library:
    """Finds definitions by id and version; asks the loader for what is not at hand.

    Whoever wants a definition that is being loaded waits for that same load, which belongs to the
    runtime: who stops waiting disturbs nobody. Only what was loaded is kept, a failure is not.
    Given definitions are kept for good and go before loaded ones of the same version.

    `on_load` is told of every definition that was loaded. Single writer: the trio thread.
    """

    def __init__(
        self,
        runtime_id: str,
        loader: Loader | None,
        cache: Cache[DefinitionKey, ProcessDefinition],
        given: Iterable[ProcessDefinition],
        on_load: Callable[[ProcessDefinition], None],
    ) -> None:
        self._loader = loader
        self._cache = cache
        self._on_load = on_load
        self._given: dict[str, dict[int, ProcessDefinition]] = {}
        self._loading: dict[DefinitionKey, Reply[ProcessDefinition]] = {}
        self._errands = Errands(runtime_id)
        for definition in given:
            self.give(definition)

    @property
    def has_loader(self) -> bool:
        """Whether there is anybody to ask."""
        return self._loader is not None

    def services(self) -> tuple[Child, ...]:
        """What has to run: the loads."""
        return () if self._loader is None else (Child("loads", self._errands.run),)

    def give_up(self) -> None:
        """Refuse whoever waits for a load: the runtime has ended."""
        self._errands.give_up()

    def give(self, definition: ProcessDefinition) -> None:
        """Know a definition by its name from now on."""
        self._given.setdefault(definition.id, {})[definition.version] = definition

    def forget(self, id: str | None) -> None:
        """Forget what was loaded, of one id or of all; what is being loaded will not be kept."""
        for key in [key for key in (*self._cache, *self._loading) if id in (None, key[0])]:
            self._cache.discard(key)
            self._loading.pop(key, None)

    def at_hand(self, id: str, version: int | None) -> ProcessDefinition | None:
        """The definition, if nobody has to be asked for it. The newest is known to the loader."""
        if version is not None and (found := self._given.get(id, {}).get(version)) is not None:
            return found
        return self._newest_given(id) if self._loader is None else self._cache.get((id, version))

    def _newest_given(self, id: str) -> ProcessDefinition | None:
        versions = self._given.get(id)
        return None if versions is None else versions[max(versions)]

    async def get(self, id: str, version: int | None = None) -> ProcessDefinition:
        """The definition; a checkpoint if it has to be loaded. Raises as `load` fails."""
        found = self.at_hand(id, version)
        return await self.load(id, version) if found is None else found

    def load(self, id: str, version: int | None) -> Reply[ProcessDefinition]:
        """Have a definition loaded, unless that is under way.

        Fails with `UnknownDefinition`, `BadLoad`, `RuntimeClosed` or what the loader raises.
        """
        key = id, version
        if key in self._loading:
            return self._loading[key]
        loading: Reply[ProcessDefinition] = Reply()
        if self._loader is None:
            loading.fail(UnknownDefinition(id, version, tuple(self._given)))
        else:
            self._loading[key] = loading
            loading.when_done(partial(self._ended, key, loading))
            self._errands.send(partial(self._load, self._loader, key, loading), loading)
        return loading

    def _ended(self, key: DefinitionKey, loading: Reply[ProcessDefinition]) -> None:
        if self._loading.get(key) is loading:
            del self._loading[key]

    async def _load(
        self, loader: Loader, key: DefinitionKey, loading: Reply[ProcessDefinition]
    ) -> ProcessDefinition:
        id, version = key
        found = _checked(id, version, await loader(id, version))
        given = self._newest_given(id) if version is None else None
        if given is not None and (found is None or found.version <= given.version):
            return given
        if found is None:
            raise UnknownDefinition(id, version, tuple(self._given))
        if self._loading.get(key) is loading:
            found = self._kept(key, found)
        self._on_load(found)
        return found

    def _kept(self, key: DefinitionKey, found: ProcessDefinition) -> ProcessDefinition:
        """Keep what was found; if the newest is one that is kept already, it is that very one."""
        exact = found.id, found.version
        known = self._cache.peek(exact) if key != exact else None
        if known is not None and known == found:
            found = known
        self._cache.put(exact, found)
        if key != exact:
            self._cache.put(key, found)
        return found


def _checked(id: str, version: int | None, found: object) -> ProcessDefinition | None:
    """What a loader gave, if that is what it was asked for. Raises `BadLoad`."""
    if found is None:
        return None
    if not isinstance(found, ProcessDefinition):
        raise BadLoad(id, version, f"{found!r:.80}")
    if found.id != id or version not in (None, found.version):
        raise BadLoad(id, version, str(found))
    return found


def id_and_version(name: str) -> DefinitionKey:
    """What is meant by `orders` (the newest) or `orders v3`; a name of nothing stays as it is."""
    id, mark, number = name.rpartition(" v")
    is_version = mark and number.isdecimal() and len(number) <= _LONGEST_VERSION
    return (id, int(number)) if is_version else (name, None)

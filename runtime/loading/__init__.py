"""Where definitions come from when wanted by name: documents, in a folder, a store or anywhere.

Owns the loaders that ship with the engine; each is an async function of an id and a version, as is
one of the host's own. It never keeps a definition: the runtime's cache does. Start reading at
`_documents`.
"""

from ._documents import DocumentLoader
from ._folder import FolderLoader
from ._store import StoreLoader

__all__ = ["DocumentLoader", "FolderLoader", "StoreLoader"]

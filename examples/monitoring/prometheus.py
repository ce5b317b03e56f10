"""Figures for Prometheus: over HTTP with the server of prometheus_client, and as text."""

import urllib.request

import trio
from prometheus_client import CollectorRegistry, start_http_server

import processengine as pe
from processengine.prometheus import RuntimeCollector, exposition


async def pack(item: str) -> str:
    return f"{item}, packed"


async def main() -> None:
    builder = pe.ProcessBuilder("parcels")
    builder.node(pack)
    async with pe.open_runtime() as runtime:
        registry = CollectorRegistry()
        registry.register(RuntimeCollector(runtime, definitions=20))
        # Its threads may scrape at any time; port 0 means any that is free.
        server, thread = start_http_server(0, "127.0.0.1", registry)
        await runtime.spawn_many(builder.build(), [{"item": "lamp"}, {"item": "desk"}])
        await runtime.wait_all_ended()
        url = f"http://127.0.0.1:{server.server_port}/metrics"
        scraped = await trio.to_thread.run_sync(_get, url)
        server.shutdown()
        server.server_close()
        thread.join()
    print(_lines(scraped, "processengine_executions_total"))
    print(_lines(exposition(runtime), "processengine_steps_total"))  # the last figures stay


def _get(url: str) -> str:
    with urllib.request.urlopen(url) as response:
        return bytes(response.read()).decode()


def _lines(text: str, name: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.startswith(name))


if __name__ == "__main__":
    trio.run(main)

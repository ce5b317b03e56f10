import trio

import processengine as pe


async def publish(text: str, review: str) -> str:
    return f"published: {text} ({review})"


async def remind() -> str:
    return "nobody has looked at it"


article = pe.ProcessBuilder("article")
review = article.wait("review", within=3600)
review.then(article.node(publish))
review.on("timeout").then(article.node(remind))


async def main() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(article.build(), {"text": "A frist draft"})
        await handle.update(text="A first draft")
        await handle.signal("review", "Ada agrees")
        outcome = await handle.result()
    print(outcome.memory["publish"])


if __name__ == "__main__":
    trio.run(main)

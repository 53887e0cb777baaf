"""What a script does with aiohttp: several requests at once. With `direct` it heeds no proxy variables."""

import asyncio
import sys

import aiohttp

url = sys.argv[1]


async def main() -> None:
    async with aiohttp.ClientSession(trust_env=sys.argv[2:] != ["direct"]) as session:

        async def one(number: int) -> str:
            async with session.get(f"{url}/anything/{number}") as answer:
                return (await answer.json())["url"].removeprefix(url)

        print(await asyncio.gather(*map(one, range(5))))
        async with session.post(f"{url}/anything", data={"name": "ada"}) as answer:
            print(answer.status, (await answer.json())["form"])


try:
    asyncio.run(main())
except aiohttp.ClientError as error:
    sys.exit(f"aiohttp: {type(error).__name__}")

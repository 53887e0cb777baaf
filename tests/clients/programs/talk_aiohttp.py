"""A WebSocket by aiohttp: text, bytes, a close."""

import asyncio
import sys

import aiohttp


async def main(url: str) -> None:
    async with (
        aiohttp.ClientSession(trust_env=True) as session,
        session.ws_connect(f"{url}/socket") as socket,
    ):
        for word in ("one", "two"):
            await socket.send_str(word)
            print(await socket.receive_str())
        await socket.send_bytes(b"\x00\xff12")
        print(await socket.receive_bytes())
        await socket.close()
        print("closed", socket.close_code)


asyncio.run(main(sys.argv[1]))

"""Many who ask at the same time: connects them all, then sends each one's request, and counts the answers by status.

Arguments: how many, then the ports, which they are spread over. Each asks once, on a connection of its own.
"""

import asyncio
import collections
import resource
import sys

REQUEST = b"GET / HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n\r\n"


async def main():
    many, ports = int(sys.argv[1]), [int(port) for port in sys.argv[2:]]
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # A listener's queue has no room for all of them at once.
    gate = asyncio.Semaphore(200)

    async def connect(index):
        async with gate:
            return await asyncio.open_connection("127.0.0.1", ports[index % len(ports)])

    async def ask(streams):
        reader, writer = streams
        writer.write(REQUEST)
        answer = await reader.read()
        writer.close()
        return answer.split(b" ", 2)[1].decode() if answer.startswith(b"HTTP/1.1 ") else "none"

    connected = await asyncio.gather(*(connect(index) for index in range(many)))
    answers = collections.Counter(await asyncio.gather(*(ask(streams) for streams in connected)))
    for status, count in sorted(answers.items()):
        print(status, count)


asyncio.run(main())

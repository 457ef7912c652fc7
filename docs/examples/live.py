"""Sends a picture as live frames and keeps the last result: python live.py URL PICTURE RESULT"""

import asyncio
import sys
from pathlib import Path

import nats

from ocelli.v1 import process_pb2

FRAMES = 20


async def main(url, picture, result):
    data = Path(picture).read_bytes()
    client = await nats.connect(url)
    results = await client.subscribe("ocelli.v1.default.frame.out.cam-1")
    # This waits for a round trip: from here on, the broker knows the subscription.
    await client.flush()

    for sequence in range(FRAMES):
        request = process_pb2.ProcessRequest()
        request.frame.sequence = sequence
        request.frame.captured_at.GetCurrentTime()
        request.frame.encoded.data = data
        request.pipeline.steps.add().filter.id = "grayscale"
        await client.publish("ocelli.v1.default.frame.in.cam-1", request.SerializeToString())

    came = {}
    while len(came) < FRAMES:
        try:
            message = await results.next_msg(timeout=5)
        except nats.errors.TimeoutError:
            break  # A frame that was dropped is never answered.
        response = process_pb2.ProcessResponse.FromString(message.data)
        if response.HasField("error"):
            sys.exit(f"frame {response.frame.sequence}: {response.error.message}")
        # Frames are processed in parallel: the sequence gives their order, not the arrival.
        came[response.frame.sequence] = response.frame.encoded.data
    await client.close()

    print(f"{FRAMES} frames sent, {len(came)} came back")
    if not came:
        sys.exit("no frame came back: is a worker running?")
    Path(result).write_bytes(came[max(came)])


asyncio.run(main(*sys.argv[1:]))

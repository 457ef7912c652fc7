"""Sends a picture through two filters: python process.py URL PICTURE RESULT"""

import asyncio
import sys
from pathlib import Path

import nats

from ocelli.v1 import error_pb2, frame_pb2, process_pb2

SUBJECT = "ocelli.v1.default.req.filter.process"


async def main(url, picture, result):
    request = process_pb2.ProcessRequest()
    request.frame.encoded.data = Path(picture).read_bytes()
    steps = request.pipeline.steps
    steps.add().filter.id = "grayscale"
    blur = steps.add().filter
    blur.id = "blur"
    blur.parameters["kernel_size"] = "15"
    blur.parameters["sigma"] = "4"
    request.pipeline.output.encoded.codec = frame_pb2.IMAGE_CODEC_PNG

    client = await nats.connect(url)
    reply = await client.request(SUBJECT, request.SerializeToString(), timeout=30)
    await client.close()

    if reply.headers and "Nats-Service-Error-Code" in reply.headers:
        error = error_pb2.Error.FromString(reply.data)
        allowed = f" (allowed: {', '.join(error.allowed)})" if error.allowed else ""
        sys.exit(f"{error.field}: {error.message}{allowed}")
    response = process_pb2.ProcessResponse.FromString(reply.data)
    Path(result).write_bytes(response.frame.encoded.data)
    for step in response.steps:
        print(f"{step.id}: {step.timing.compute_ns / 1e6:.3f} ms")


asyncio.run(main(*sys.argv[1:]))

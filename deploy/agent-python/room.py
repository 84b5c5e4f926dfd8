"""Waiting for what happens in the room of a call."""

import asyncio

from call import read_job


def job_of(ctx, caller=None):
    """What is known of the call now."""
    return read_job(ctx.job.metadata, ctx.room.metadata, caller.attributes if caller else {})


async def until_called(ctx, over):
    """Wait until it is known who calls. Return None when nobody called, and the room was closed.

    In a warm room that can take an hour: the bridge writes it into the room's metadata when the call comes in, usually
    before the caller is in the room. Everywhere else it is known at once.
    """
    news = asyncio.Event()
    for event in ("room_metadata_changed", "participant_connected", "participant_attributes_changed"):
        ctx.room.on(event, lambda *_: news.set())
    while not over.is_set():
        news.clear()
        caller = next((p for p in ctx.room.remote_participants.values() if "sip.callStatus" in p.attributes), None)
        job = job_of(ctx, caller)
        if job.get("mode") != "warm" or "call" in job or caller:
            return job
        await until_over(news.wait(), over)
    return None


def is_on_phone(participant, call_sid):
    """Whether the participant is on this call's phone. A person whom the bridge has joined belongs to another call."""
    attributes = participant.attributes
    of_call = attributes.get("sip.h.x-lk-call")
    return "sip.callStatus" in attributes and (None in (of_call, call_sid) or of_call == call_sid)


async def answered(room, participant):
    """Wait until the phone is answered. While it rings, nobody would hear a greeting."""
    changed = asyncio.Event()
    room.on("participant_attributes_changed", lambda *_: changed.set())
    while participant.attributes.get("sip.callStatus", "active") != "active":
        await changed.wait()
        changed.clear()


async def until_over(waiting, over):
    """Wait for something, or for the end of the call: then return None."""
    task = asyncio.ensure_future(waiting)
    ended = asyncio.ensure_future(over.wait())
    await asyncio.wait([task, ended], return_when=asyncio.FIRST_COMPLETED)
    for waited in (task, ended):
        if not waited.done():
            waited.cancel()
    # LiveKit's own waiting fails when the room is closed.
    return task.result() if task.done() and not task.cancelled() and not task.exception() else None

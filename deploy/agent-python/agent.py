"""Answers a phone call with three tones, and hangs up on # or after a minute. With PEOPLE, keys call a person.

It needs no model and no API key. It shows what an agent must do for a call; put your own agent in its place.
Start it with `python agent.py start`.
"""

import asyncio
import logging
import os

from livekit import rtc
from livekit.agents import AutoSubscribe, JobContext, WorkerOptions, cli

from audio import HoldMusic, Tones, play
from call_api import CallApi
from room import answered, is_on_phone, job_of, until_called, until_over
from transfers import Transfers, read_people, refusal_of

logger = logging.getLogger("example-agent")

LONGEST_CALL_SECONDS = 60
# A person who says neither yes nor no is not waited for any longer: the caller waits too.
LONGEST_CONSULTATION_SECONDS = 30
# Which key of the caller does what with the first person of PEOPLE. A model does the same by its tools.
MODES = {"1": "consult", "2": "add", "3": "blind", "4": "screen"}
TAKE = "1"
# What the caller hears, Hz. An agent with a voice says it in words: see news_of.
DONE = [523, 659, 784]
REFUSED = [784, 392]
FAILED = [300, 300]
TONES_OF = {
    "busy": [425, 425, 425],
    "declined": [784, 523],
    "no-answer": [425],
    "person-hung-up": [784, 523],
    "cancelled": [523],
    "refused": [950, 1400, 1800],
}


def tones_of(transfer):
    if transfer.get("result") == "bridged":
        return DONE if transfer["mode"] == "add" else []
    return TONES_OF.get(transfer.get("reason"), FAILED) if transfer.get("result") == "returned" else []


async def entrypoint(ctx: JobContext):
    await ctx.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY)
    # Publish before waiting for anything: LiveKit answers the phone only after an agent has published audio.
    tones = Tones()
    voice = asyncio.create_task(play(ctx.room, "agent", tones))
    over = asyncio.Event()
    # An agent that cannot be heard any more hangs up.
    voice.add_done_callback(lambda _: over.set())
    ctx.room.on("disconnected", lambda *_: over.set())
    try:
        job = await until_called(ctx, over)
        # From here on an agent knows whom it will talk with, while the phone still rings: the time to look them up.
        logger.info("nobody called" if job is None else "called")
        if job is not None:
            talking = talk_with_person if job.get("transfer") and job.get("control") else talk_with_caller
            await talking(ctx, job, tones, over)
    finally:
        voice.cancel()
    ctx.shutdown("call is over")


async def talk_with_caller(ctx, job, tones, over):
    room = ctx.room
    music = HoldMusic(room)
    call_sid = job.get("call", {}).get("callSid")
    caller = None
    is_out = False

    def on_news(transfer):
        logger.info("transfer %s %s %s", transfer["mode"], transfer["state"], transfer.get("reason", ""))
        # While a person is called or consulted, the caller waits.
        is_held = transfer["mode"] in ("consult", "add") and transfer["state"] != "finished"
        music.start() if is_held and not over.is_set() else music.stop()
        tones.add(*tones_of(transfer))

    transfers = Transfers(api_of(job), read_people(os.environ.get("PEOPLE", "")), on_news)
    asked = set()

    def is_caller(participant):
        # A caller who comes back has the same identity. A person who has joined has another one.
        is_known = caller is None or participant.identity == caller.identity
        return is_known and is_on_phone(participant, call_sid)

    def on_digit(dtmf: rtc.SipDTMF):
        """Digits and phone numbers may be private, so neither is logged."""
        person = next(iter(transfers.people), None)
        if dtmf.participant is None or not is_caller(dtmf.participant):
            return
        if dtmf.digit == "#":
            over.set()
        elif person and dtmf.digit in MODES:
            tell(transfers.begin(MODES[dtmf.digit], person))
        elif person and dtmf.digit == "0":
            tell(transfers.cancel())
        else:
            tones.add(400 + 40 * "0123456789*ABCD".find(dtmf.digit))

    def tell(asking):
        async def ask():
            try:
                await asking
            except Exception as error:
                logger.warning("refused: %s", refusal_of(error))
                tones.add(*REFUSED)

        task = asyncio.create_task(ask())
        asked.add(task)
        task.add_done_callback(asked.discard)

    def on_left(participant):
        # A caller who is put through to a person leaves this room, and comes back when that fails.
        is_away = transfers.open and transfers.open["mode"] in ("blind", "screen", "refer")
        if is_caller(participant) and not is_away:
            over.set()

    def on_disconnected(*_):
        nonlocal is_out
        is_out = True
        over.set()

    room.on("sip_dtmf_received", on_digit)
    room.on("data_received", lambda packet: transfers.heard(packet.data, packet.participant, packet.topic))
    room.on("participant_disconnected", on_left)
    room.on("disconnected", on_disconnected)

    first = await until_over(ctx.wait_for_participant(), over)
    # In place of an agent that is gone, this one may meet a person beside the caller.
    caller = next((p for p in room.remote_participants.values() if is_on_phone(p, call_sid)), first)
    if caller:
        await until_over(answered(room, caller), over)
        # The room's metadata of a warm agent may have come only now.
        job = job_of(ctx, caller)
        call_sid = call_sid or job.get("call", {}).get("callSid")
        transfers.api = transfers.api or api_of(job)
        await greet(job.get("lastTransfer"), transfers, tones)
        # A call of this example is short. Nobody who talks with a person is cut off.
        while not over.is_set():
            await until_over(asyncio.sleep(LONGEST_CALL_SECONDS), over)
            if not transfers.open and len(room.remote_participants) <= 1:
                break

    over.set()
    transfers.close()
    music.stop()
    # To hang up, delete the room. If the agent only left, the caller would stay on the line in silence. An agent that is
    # out of the room already was removed, because caller and person talk: it must not delete the room under them.
    if not is_out:
        await ctx.delete_room()


def api_of(job):
    control = job.get("control")
    return control and CallApi(control)


async def greet(last_transfer, transfers, tones):
    """The caller may have been with a person, or with an agent that is gone."""
    if not last_transfer:
        tones.add(*DONE)
    elif last_transfer.get("result"):
        tones.add(*tones_of(last_transfer))
    else:
        try:
            await transfers.resume(last_transfer["id"])
        except Exception:
            tones.add(*DONE)


async def talk_with_person(ctx, job, tones, over):
    """Talk with a person to whom a caller may be handed, in a room of their own, before the two are brought together.

    A real agent says `transfer["brief"]`, which this one cannot, and lets its model decide by `person_tools`.
    """
    api = CallApi(job["control"])
    transfer_id = job["transfer"]["id"]
    answer = asyncio.Queue()
    # The bridge deletes this room when the person has joined the caller, has hung up, or is not wanted any more. So this
    # agent never deletes it: a person who cannot be joined comes back here.
    ctx.room.on("sip_dtmf_received", lambda dtmf: answer.put_nowait(dtmf.digit == TAKE))

    # The agent is here while the phone still rings.
    person = await until_over(ctx.wait_for_participant(), over)
    if person:
        await until_over(answered(ctx.room, person), over)
        tones.add(392, 523)
    timeout = LONGEST_CONSULTATION_SECONDS
    while person and not over.is_set():
        takes = await until_over(within(answer.get(), timeout), over)
        if over.is_set():
            break
        try:
            await (api.complete(transfer_id) if takes else api.cancel(transfer_id))
            tones.add(*(DONE if takes else REFUSED))
            break
        except Exception as error:
            # For example because the caller has hung up: then the bridge ends this call too.
            logger.warning("not decided: %s", refusal_of(error))
            timeout = None
    await over.wait()


async def within(waiting, seconds):
    try:
        return await asyncio.wait_for(waiting, seconds)
    except asyncio.TimeoutError:
        return None


if __name__ == "__main__":
    agent_name = os.environ.get("LIVEKIT_AGENT_NAME", "example-agent")
    # Only this machine or container may read the worker's health page.
    cli.run_app(WorkerOptions(entrypoint_fnc=entrypoint, agent_name=agent_name, host="127.0.0.1"))

"""Audio made of tones: it needs no file, and nobody's licence."""

import array
import asyncio
import contextlib
import math

from livekit import rtc

SAMPLE_RATE = 24_000
FRAME_SAMPLES = SAMPLE_RATE // 50
# Length of the audio queue, milliseconds. What is added to it is heard this much later.
QUEUE_MS = 100
# Ramp at both ends of a tone, seconds. Without it the tone would click.
RAMP_SECONDS = 0.01
SILENCE = bytes(2 * FRAME_SAMPLES)
# A slow arpeggio of C major and A minor.
MELODY = [262, 330, 392, 523, 392, 330, 220, 262, 330, 440, 330, 262]


def tone(hz, seconds, amplitude=6000):
    """Return frames of 20 ms, 16-bit mono."""
    length = round(seconds * 50) * FRAME_SAMPLES
    ramp = SAMPLE_RATE * RAMP_SECONDS
    gains = (min(1, i / ramp, (length - i) / ramp) for i in range(length))
    samples = (round(amplitude * gain * math.sin(2 * math.pi * hz * i / SAMPLE_RATE)) for i, gain in enumerate(gains))
    data = array.array("h", samples).tobytes()
    return [data[at : at + 2 * FRAME_SAMPLES] for at in range(0, len(data), 2 * FRAME_SAMPLES)]


class Tones:
    """A gapless stream: the added tones, one after another, otherwise silence."""

    def __init__(self):
        self._waiting = []

    def add(self, *frequencies):
        for hz in frequencies:
            self._waiting += tone(hz, 0.2)

    def __iter__(self):
        while True:
            yield self._waiting.pop(0) if self._waiting else SILENCE


def melody():
    """Music on hold, softer than speech."""
    while True:
        for hz in MELODY:
            yield from tone(hz, 0.4, amplitude=2500)


async def play(room, name, frames):
    """Publish a track, and send frames without a gap, silence included, until this task is cancelled."""
    source = rtc.AudioSource(SAMPLE_RATE, 1, queue_size_ms=QUEUE_MS)
    track = rtc.LocalAudioTrack.create_audio_track(name, source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    publication = await room.local_participant.publish_track(track, options)
    try:
        for frame in frames:
            await source.capture_frame(rtc.AudioFrame(frame, SAMPLE_RATE, 1, FRAME_SAMPLES))
    finally:
        if room.isconnected():
            # The server may be closing the room at this moment.
            with contextlib.suppress(Exception):
                await room.local_participant.unpublish_track(publication.sid)
        await source.aclose()


class HoldMusic:
    """Music for the caller on hold: a track beside the agent's voice, which works with an AgentSession too."""

    def __init__(self, room):
        self._room = room
        self._playing = None

    def start(self):
        if not self._playing:
            self._playing = asyncio.create_task(play(self._room, "hold-music", melody()))

    def stop(self):
        if self._playing:
            self._playing.cancel()
        self._playing = None

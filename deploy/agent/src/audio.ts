import { log, type JobContext } from '@livekit/agents'
import {
  AudioFrame,
  AudioSource,
  LocalAudioTrack,
  RoomEvent,
  TrackPublishOptions,
  TrackSource,
  type LocalParticipant
} from '@livekit/rtc-node'
import { Melody, Tones, type Frames } from './tone.ts'

/**
 * Length of the audio queue, milliseconds. What is added to it is heard this much later: with LiveKit's default, a
 * second, an agent that has sent silence until now would be heard a second after it begins to speak.
 */
const QUEUE_MS = 100

/** A track that sends frames without a gap, silence included: a gap would look like an agent without audio. */
export interface Playing {
  trackSid: string
  /** Resolves when nothing is sent any more. */
  ended: Promise<void>
}

/** The agent's voice. */
export interface Line {
  readonly tones: Tones
  /** Aborted when the agent hangs up, when the room is closed, and when the audio fails. */
  readonly over: AbortController
  /** Resolves when nothing is sent any more. */
  readonly ended: Promise<void>
}

/** Publishes the agent's voice, which is silent until something is added to its tones. */
export async function openLine (ctx: JobContext): Promise<Line> {
  const tones = new Tones()
  const over = new AbortController()
  ctx.room.on(RoomEvent.Disconnected, () => over.abort())
  const voice = await play(ctx.agent!, 'agent', tones, over.signal)
  const ended = voice.ended.catch(error => {
    log().error({ error }, 'audio ended')
    over.abort()
  })
  return { tones, over, ended }
}

/** Publishes a track, and sends frames until `over`. */
export async function play (
  participant: LocalParticipant,
  name: string,
  frames: Frames,
  over: AbortSignal
): Promise<Playing> {
  const source = new AudioSource(frames.sampleRate, 1, QUEUE_MS)
  const track = LocalAudioTrack.createAudioTrack(name, source)
  const { sid } = await participant.publishTrack(track, new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE }))
  return { trackSid: sid ?? '', ended: send(source, frames, over) }
}

async function send (source: AudioSource, frames: Frames, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const frame = frames.next()
    await source.captureFrame(new AudioFrame(frame, frames.sampleRate, 1, frame.length))
  }
  await source.close()
}

/** Music for the caller on hold: a track beside the agent's voice, which works with an AgentSession too. */
export class HoldMusic {
  readonly #participant: LocalParticipant
  #stop: AbortController | undefined

  constructor (participant: LocalParticipant) {
    this.#participant = participant
  }

  start (): void {
    if (this.#stop) return
    this.#stop = new AbortController()
    this.#play(this.#stop.signal).catch(error => log().error({ error }, 'hold music ended'))
  }

  stop (): void {
    this.#stop?.abort()
    this.#stop = undefined
  }

  async #play (over: AbortSignal): Promise<void> {
    const { trackSid, ended } = await play(this.#participant, 'hold-music', new Melody(), over)
    await ended
    await this.#participant.unpublishTrack(trackSid)
  }
}

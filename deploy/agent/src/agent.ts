/**
 * Answers a phone call with three tones, plays one tone a key press, and hangs up on # or after a minute.
 * Needs no model and no API key: it shows what an agent owes the call, for you to put a real one in its place.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { AutoSubscribe, cli, defineAgent, log, ServerOptions, type JobContext } from '@livekit/agents'
import {
  AudioFrame,
  AudioSource,
  LocalAudioTrack,
  RoomEvent,
  TrackPublishOptions,
  TrackSource,
  type RemoteParticipant
} from '@livekit/rtc-node'
import { callSidOf, readJob } from './call.ts'
import { Tones } from './tone.ts'

const LONGEST_CALL_MS = 60_000
/** Audio that waits to be sent, milliseconds: what a key press has to wait at most. */
const QUEUE_MS = 100
const CALL_STATUS = 'sip.callStatus'

export default defineAgent({
  entry: async (ctx: JobContext) => {
    const logger = log()
    const job = readJob(ctx.job.metadata)
    await ctx.connect(undefined, AutoSubscribe.AUDIO_ONLY)

    // First of all, before anything is waited for: LiveKit answers the phone only once an agent's audio is there.
    const tones = new Tones()
    const source = new AudioSource(tones.sampleRate, 1, QUEUE_MS)
    const track = LocalAudioTrack.createAudioTrack('agent', source)
    await ctx.agent?.publishTrack(track, new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE }))

    const hangUp = new AbortController()
    const speaking = speak(source, tones, hangUp.signal).catch(error => {
      logger.error({ error }, 'audio ended')
      hangUp.abort()
    })
    ctx.room.on(RoomEvent.DtmfReceived, (_code, digit) => {
      // Neither digits nor numbers are logged: both may be private.
      if (digit === '#') hangUp.abort()
      else tones.add(400 + 40 * '0123456789*ABCD'.indexOf(digit), 150)
    })
    ctx.room.on(RoomEvent.Disconnected, () => hangUp.abort())
    ctx.room.on(RoomEvent.ParticipantDisconnected, participant => {
      // The room stays for some seconds (a call may come back from a transfer), but this agent transfers nobody.
      if (isCaller(participant)) hangUp.abort()
    })

    // Before the caller arrives this may take as long as the phone rings; a call that never comes ends with its room.
    const caller = await ctx.waitForParticipant().catch(() => undefined)
    if (caller) {
      logger.info(
        { callSid: callSidOf(job, caller.attributes), attempt: job.call?.attempt, degraded: !job.call },
        'caller is here'
      )
      await answered(ctx, caller, hangUp.signal)
      for (const hz of [523, 659, 784]) tones.add(hz, 200)
      await sleep(LONGEST_CALL_MS, undefined, { signal: hangUp.signal }).catch(() => {})
    }

    hangUp.abort()
    await speaking
    // Leaving alone would keep the caller on the line in silence: hanging up is deleting the room.
    if (ctx.room.isConnected) await ctx.deleteRoom()
    ctx.shutdown('call is over')
  }
})

/** Sends frame after frame, silence too: a gap would look like an agent without audio. */
async function speak (source: AudioSource, tones: Tones, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const frame = tones.next()
    await source.captureFrame(new AudioFrame(frame, tones.sampleRate, 1, frame.length))
  }
  await source.close()
}

/** Waits until the phone was answered; while it rings nobody would hear a greeting. */
async function answered (ctx: JobContext, caller: RemoteParticipant, over: AbortSignal): Promise<void> {
  while (isCaller(caller) && caller.attributes[CALL_STATUS] !== 'active' && !over.aborted) {
    await new Promise<void>(resolve => {
      ctx.room.once(RoomEvent.ParticipantAttributesChanged, () => resolve())
      over.addEventListener('abort', () => resolve(), { once: true })
    })
  }
}

/** Somebody on the phone; a person who joins the room in a browser has no call status. */
function isCaller (participant: RemoteParticipant): boolean {
  return participant.attributes[CALL_STATUS] !== undefined
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  cli.runApp(
    new ServerOptions({
      agent: fileURLToPath(import.meta.url),
      agentName: process.env.LIVEKIT_AGENT_NAME ?? 'example-agent',
      // The worker's health page is for this machine or container only.
      host: '127.0.0.1'
    })
  )
}

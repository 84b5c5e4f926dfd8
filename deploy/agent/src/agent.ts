/**
 * Answers a phone call with three tones, plays a tone for each key press, and hangs up on # or after a minute.
 * With SIP_OUTBOUND_TRUNK_ID and PERSON_NUMBER, * calls a person into the call.
 * It needs no model and no API key. It shows what an agent must do for a call; put your own agent in its place.
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
import { SipClient } from 'livekit-server-sdk'
import { addPerson, type Outcome } from './add-person.ts'
import { callSidOf, readJob, type Job } from './call.ts'
import { Tones } from './tone.ts'

const LONGEST_CALL_MS = 60_000
/** Length of the audio queue, milliseconds. The tone of a key press waits at most this long. */
const QUEUE_MS = 100
const CALL_STATUS = 'sip.callStatus'

export default defineAgent({
  entry: async (ctx: JobContext) => {
    const logger = log()
    const job = readJob(ctx.job.metadata)
    await ctx.connect(undefined, AutoSubscribe.AUDIO_ONLY)

    // Publish before waiting for anything: LiveKit answers the phone only after an agent has published audio.
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
      // Digits and phone numbers may be private, so neither is logged.
      if (digit === '#') hangUp.abort()
      else if (digit === '*' && PERSON) callPerson(ctx, job, PERSON, tones).catch(error => logger.error({ error }))
      else tones.add(400 + 40 * '0123456789*ABCD'.indexOf(digit), 150)
    })
    ctx.room.on(RoomEvent.Disconnected, () => hangUp.abort())
    ctx.room.on(RoomEvent.ParticipantDisconnected, participant => {
      // The room stays open for some seconds, in case a transfer fails. This agent transfers nobody, so it hangs up.
      if (isCaller(participant)) hangUp.abort()
    })

    // Until the caller arrives this can take as long as the phone rings. If nobody arrives, it ends with the room.
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
    // To hang up, delete the room. If the agent only left, the caller would stay on the line in silence.
    if (ctx.room.isConnected) await ctx.deleteRoom()
    ctx.shutdown('call is over')
  }
})

/** Two people with the same identity cannot be in a room. Callers are `sip_<number>`. */
const PERSON_IDENTITY = 'person'
/** Whom * calls, and through which trunk: `bridge provision --outbound` prints its id. */
const PERSON = personOf(process.env)

function personOf ({ SIP_OUTBOUND_TRUNK_ID: trunkId, PERSON_NUMBER: number }: NodeJS.ProcessEnv) {
  return trunkId && number ? { trunkId, number } : undefined
}

/** What the caller hears of it, Hz. A real agent says it in words. */
const TONES_OF: Record<Outcome, number[]> = {
  answered: [523, 659, 784],
  busy: [425, 425, 425],
  'no-answer': [425],
  declined: [784, 523],
  unobtainable: [950, 1400, 1800],
  'not-allowed': [784, 392],
  failed: [300, 300]
}

/** Calls a person into the call, and tells the caller what became of it. */
async function callPerson (
  ctx: JobContext,
  job: Job,
  { trunkId, number }: { trunkId: string, number: string },
  tones: Tones
): Promise<void> {
  const { LIVEKIT_URL: url = '', LIVEKIT_API_KEY: key, LIVEKIT_API_SECRET: secret } = process.env
  const caller = [...ctx.room.remoteParticipants.values()].find(isCaller)
  const outcome = await addPerson(new SipClient(url, key, secret), {
    trunkId,
    number,
    room: ctx.room.name!,
    identity: PERSON_IDENTITY,
    callSid: callSidOf(job, caller?.attributes ?? {})
  })
  log().info({ outcome }, 'person called')
  for (const hz of TONES_OF[outcome]) tones.add(hz, 200)
}

/** Sends frames without a gap, silence included: a gap would look like an agent without audio. */
async function speak (source: AudioSource, tones: Tones, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const frame = tones.next()
    await source.captureFrame(new AudioFrame(frame, tones.sampleRate, 1, frame.length))
  }
  await source.close()
}

/** Waits until the phone is answered. While it rings, nobody would hear a greeting. */
async function answered (ctx: JobContext, caller: RemoteParticipant, over: AbortSignal): Promise<void> {
  while (isCaller(caller) && caller.attributes[CALL_STATUS] !== 'active' && !over.aborted) {
    await new Promise<void>(resolve => {
      ctx.room.once(RoomEvent.ParticipantAttributesChanged, () => resolve())
      over.addEventListener('abort', () => resolve(), { once: true })
    })
  }
}

/** Whether the participant is the caller. Somebody who joins the room in a browser has no call status. */
function isCaller ({ attributes, identity }: RemoteParticipant): boolean {
  return attributes[CALL_STATUS] !== undefined && identity !== PERSON_IDENTITY
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  cli.runApp(
    new ServerOptions({
      agent: fileURLToPath(import.meta.url),
      agentName: process.env.LIVEKIT_AGENT_NAME ?? 'example-agent',
      // Only this machine or container may read the worker's health page.
      host: '127.0.0.1'
    })
  )
}

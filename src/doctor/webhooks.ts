import { randomBytes } from 'node:crypto'
import type { Finding } from '../finding.ts'
import { doctorRoom, readDoctorNote, type DoctorNote } from '../livekit/doctor-echo.ts'
import type { EventRefusal } from '../livekit/event-refusal.ts'
import type { Check, DoctorContext } from './check.ts'
import { inRoom, NOBODY, waitUntil } from './in-room.ts'
import { WAITS_FOR_LIVEKIT_API } from './waits-for.ts'

const WAIT_MS = 10_000
/** For making and deleting the room on a slow LiveKit, milliseconds. */
const AROUND_MS = 20_000
/** The room closes after this time when nobody could delete it, seconds. */
const EMPTY_S = 30
/** A bridge that refused the event may answer before another one that takes it, milliseconds. */
const OTHER_BRIDGE_MS = 1500

/**
 * Whether LiveKit's webhooks reach a bridge: the bridge that hears of the room that is made here answers in the room's
 * metadata (src/livekit/doctor-echo.ts), whether it took the webhook or refused it.
 */
export const livekitEventsCheck: Check = createLivekitEventsCheck()

export function createLivekitEventsCheck ({ waitMs = WAIT_MS, otherBridgeMs = OTHER_BRIDGE_MS } = {}): Check {
  return {
    name: 'livekit-events',
    title: "Do LiveKit's webhooks arrive at a running bridge?",
    readOnly: false,
    limitMs: waitMs + AROUND_MS,
    waitsFor: [WAITS_FOR_LIVEKIT_API],
    async run (context, signal) {
      const { settings, clock } = context
      const nonce = randomBytes(9).toString('hex')
      const name = doctorRoom(settings.LIVEKIT_ROOM_PREFIX, nonce)
      const began = clock.now()
      return await inRoom(context, {
        name,
        emptyTimeoutS: EMPTY_S,
        departureTimeoutS: 1,
        metadata: JSON.stringify({ doctor: nonce } satisfies DoctorNote),
        agent: NOBODY
      }, async () => {
        const answer = await answerIn(name, context, signal, { waitMs, otherBridgeMs })
        const took = clock.now() - began
        if (answer?.heard !== undefined) return [arrive(answer.heard, took)]
        if (answer?.refused !== undefined) return [refused(answer.refused)]
        return signal.aborted ? [] : [missing(settings, took)]
      })
    }
  }
}

/**
 * Waits for a bridge's answer in a room.
 * @returns the note with an answer; undefined when none came
 * @throws LiveKitError when the last look failed
 */
async function answerIn (
  name: string,
  { rooms, clock }: Pick<DoctorContext, 'rooms' | 'clock'>,
  signal: AbortSignal,
  { waitMs, otherBridgeMs }: { waitMs: number, otherBridgeMs: number }
): Promise<DoctorNote | undefined> {
  let note: DoctorNote | undefined
  let trouble: unknown
  let refusedAt: number | undefined
  await waitUntil(clock, waitMs, signal, async () => {
    try {
      const [room] = await rooms.list([name])
      note = room && readDoctorNote(room.metadata)
      trouble = undefined
    } catch (error) {
      trouble = error
    }
    if (note?.refused === undefined) return note?.heard !== undefined
    refusedAt ??= clock.now()
    return clock.now() - refusedAt >= otherBridgeMs
  })
  if (trouble !== undefined && !signal.aborted) throw trouble
  return note
}

const arrive = (version: string, tookMs: number): Finding => ({
  code: 'livekit-events-arrive',
  severity: 'ok',
  seen: `A bridge (version ${version}) heard LiveKit's webhook of a new room; ${tookMs} ms from the request for the ` +
    'room to the answer'
})

const WITHOUT = 'Calls work without webhooks; the bridge then looks for itself, learns of things later and tells ' +
  'fewer causes apart'

/** What the bridge saw, and what to do about it. */
const REFUSALS: Record<EventRefusal, { why: string, todo: string }> = {
  unsigned: {
    why: 'it came without an Authorization header',
    todo: 'Have what stands in front of the bridge pass the header on'
  },
  'other-key': {
    why: 'it is signed with another API key than its LIVEKIT_API_KEY',
    todo: 'Sign webhooks with the key of LIVEKIT_API_KEY: on LiveKit Cloud in Settings, Webhooks, on your own server ' +
      'webhook.api_key in livekit.yaml'
  },
  'other-secret': {
    why: 'it is signed with another secret than its LIVEKIT_API_SECRET',
    todo: 'Give the bridge and LiveKit the same secret for this key, then restart the one that was changed'
  },
  clock: {
    why: "it is not valid at this time by the bridge's clock",
    todo: "Set the clocks of the bridge's machine and of LiveKit by NTP"
  },
  'changed-body': {
    why: 'its body is not the one that LiveKit signed',
    todo: 'Have what stands in front of the bridge pass the body on unchanged'
  }
}

function refused (reason: EventRefusal): Finding {
  const { why, todo } = REFUSALS[reason]
  return {
    code: 'livekit-events-refused',
    severity: 'warning',
    seen: `LiveKit's webhooks arrive at a bridge, and the bridge refuses them (401): ${why}. ${WITHOUT}`,
    todo
  }
}

function missing (
  { LIVEKIT_ROOM_PREFIX: prefix, PUBLIC_URL: publicUrl }: DoctorContext['settings'],
  tookMs: number
): Finding {
  const url = `${publicUrl.replace(/\/+$/, '')}/livekit-events`
  return {
    code: 'livekit-events-missing',
    severity: 'warning',
    seen: `No bridge with LIVEKIT_ROOM_PREFIX ${prefix} answered about a room that LiveKit made ${
      Math.round(tookMs / 1000)
    } s ago: the webhook did not arrive, or that bridge has another LiveKit project. ${WITHOUT}`,
    todo: 'See that a bridge of this version runs. On LiveKit Cloud add a webhook (Settings, Webhooks) with URL ' +
      `${url} and the key of LIVEKIT_API_KEY; on your own server set webhook.urls and webhook.api_key in ` +
      'livekit.yaml to the same'
  }
}

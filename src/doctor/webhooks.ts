import { randomBytes } from 'node:crypto'
import { doctorRoom, readDoctorNote, type DoctorNote } from '../livekit/doctor-echo.ts'
import type { Check } from './check.ts'
import { inRoom, NOBODY, waitUntil } from './in-room.ts'

const WAIT_MS = 10_000
/** Making and deleting the room, with a LiveKit that takes its time. */
const AROUND_MS = 20_000
/** The room closes by itself when nobody could delete it, seconds. */
const EMPTY_S = 30

/**
 * Whether LiveKit's webhooks reach a bridge: one that hears of the room that is made here answers in its metadata
 * (src/livekit/doctor-echo.ts).
 */
export const livekitEventsCheck: Check = createLivekitEventsCheck()

export function createLivekitEventsCheck ({ waitMs = WAIT_MS } = {}): Check {
  return {
    name: 'livekit-events',
    title: "Do LiveKit's webhooks arrive at a running bridge?",
    readOnly: false,
    limitMs: waitMs + AROUND_MS,
    async run (context, signal) {
      const { settings, rooms, clock } = context
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
        let heard: string | undefined
        let trouble: unknown
        await waitUntil(clock, waitMs, signal, async () => {
          try {
            const [room] = await rooms.list([name])
            heard = room && readDoctorNote(room.metadata)?.heard
            trouble = undefined
          } catch (error) {
            trouble = error
          }
          return heard !== undefined
        })
        const took = clock.now() - began
        if (heard !== undefined) {
          return [{
            code: 'livekit-events-arrive',
            severity: 'ok',
            seen: `A bridge (version ${heard}) heard LiveKit's webhook of a new room; ${took} ms from asking for the ` +
              'room to its answer'
          }]
        }
        if (signal.aborted) return []
        if (trouble !== undefined) throw trouble
        const url = `${settings.PUBLIC_URL.replace(/\/+$/, '')}/livekit-events`
        return [{
          code: 'livekit-events-missing',
          severity: 'warning',
          seen:
            `No bridge with LIVEKIT_ROOM_PREFIX ${settings.LIVEKIT_ROOM_PREFIX} heard of a room that LiveKit made ${
              Math.round(took / 1000)
            } s ago. Calls work without webhooks; the bridge then looks for itself, learns of things later and tells ` +
            'fewer causes apart',
          todo:
            `See that a bridge of this version runs. On LiveKit Cloud add a webhook (Settings, Webhooks) with URL ${url} and the key of LIVEKIT_API_KEY; on your own server set webhook.urls and webhook.api_key in livekit.yaml to the same`
        }]
      })
    }
  }
}

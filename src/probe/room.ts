import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { openNext } from '../calls/fold/attempts.ts'
import { newCall } from '../calls/fold/new-call.ts'
import { rulesOf } from '../rules.ts'
import type { Settings } from '../config.ts'
import { roomRequest } from '../livekit/room-format.ts'
import { room as strategy } from '../routing/room.ts'
import type { Finding } from '../finding.ts'
import { verbConfigOf } from '../jambonz/verb-config.ts'
import { LiveKitError, type RoomRequest, type Rooms } from '../livekit/rooms.ts'
import type { TransportName } from '../sip/user-agent.ts'

/** Who the probe says it is: From of the INVITE, `from` and `to` of the job metadata. */
export const PROBE_USER = 'bridge-probe'

/** What the bridge would do for a call: which room it would make, and what Jambonz would dial. */
export interface PlannedCall {
  token: string
  uri: string
  room: RoomRequest
}

/**
 * A room and a dial for a call that nobody makes, by the code that makes them for real ones. Only the room's own
 * metadata differ: a bridge that looks after this project must not take the room for a call's.
 */
export function planCall (
  settings: Settings,
  options: { agent?: string | undefined, transport?: TransportName | undefined, now: number, id?: string }
): PlannedCall {
  const rules = rulesOf(settings)
  const facts = {
    direction: 'inbound' as const,
    from: PROBE_USER,
    to: PROBE_USER,
    callerName: '',
    withheld: false,
    headers: {}
  }
  const call = newCall(`probe-${options.id ?? randomUUID()}`, options.now, facts, {
    ...rules.app,
    agent: options.agent ?? rules.app.agent
  })
  call.plan = [{ strategy: 'room', agent: call.app.agent }]
  const attempt = openNext(call, options.now, rules)!
  const config = verbConfigOf(settings)
  const [target] =
    strategy.dial(call, attempt, { ...config, sipTransport: options.transport ?? config.sipTransport }).target
  return {
    token: attempt.token!,
    uri: (target as { sipUri: string }).sipUri,
    room: { ...roomRequest(call, attempt, settings.DIAL_TIMEOUT_S), metadata: JSON.stringify({ probe: true }) }
  }
}

/** Whether a createRoom that failed may have made the room all the same. */
export const mayExist = (error: unknown): boolean =>
  error instanceof LiveKitError &&
  (error.failure === 'timeout' || error.failure === 'failed' ||
    (error.failure === 'unreachable' && !/ECONNREFUSED|ENOTFOUND|EAI_/.test(error.message)))

const DELETE_TRIES = 3
const AGAIN_MS = 1000

/** Deletes a room, in three tries. What becomes of it is told, never thrown. @returns undefined when there was none */
export async function removeRoom (rooms: Pick<Rooms, 'delete'>, name: string): Promise<Finding | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      return await rooms.delete(name)
        ? { code: 'room-deleted', severity: 'ok', seen: `Room ${name} was deleted.` }
        : undefined
    } catch (error) {
      if (tries >= DELETE_TRIES) {
        return {
          code: 'room-not-deleted',
          severity: 'warning',
          seen: `Room ${name} could not be deleted (${
            error instanceof LiveKitError ? error.failure : 'failed'
          }). If it is there, it closes by itself some time after everybody has left it.`,
          todo: 'Delete it by hand where that is too long',
          command: `lk room delete ${name}`
        }
      }
      // A timer that keeps the process alive: nothing else may do so by now.
      await sleep(AGAIN_MS)
    }
  }
}

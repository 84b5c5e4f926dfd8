import { randomUUID } from 'node:crypto'
import { openNext } from '../calls/fold/attempts.ts'
import { newCall } from '../calls/fold/new-call.ts'
import type { RoomWay } from '../calls/fold/way.ts'
import { roomFormatOf } from '../room-format.ts'
import { rulesOf } from '../rules.ts'
import type { Settings } from '../config.ts'
import { fixedSource, settingsTable } from '../routing/settings-table.ts'
import { room as strategy } from '../routing/ways/room.ts'
import type { Finding } from '../finding.ts'
import { verbConfigOf } from '../jambonz/verb-config.ts'
import { deleteForGood, type DeleteOptions } from '../livekit/delete-for-good.ts'
import { LiveKitError, type RoomRequest } from '../livekit/rooms.ts'
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
 * A room and a dial for a call that nobody makes, by the code that makes them for real calls. Only the room's metadata
 * differ, so that a bridge of this project does not take the room for a call's.
 */
export function planCall (
  settings: Settings,
  options: { agent?: string | undefined, transport?: TransportName | undefined, now: number, id?: string }
): PlannedCall {
  const rules = rulesOf(settings, fixedSource(settingsTable))
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
  const way: RoomWay = { strategy: 'room', agent: call.app.agent }
  call.plan = [way]
  const attempt = openNext(call, options.now, rules)!
  const config = verbConfigOf(settings)
  const [target] =
    strategy.dial(way, call, attempt, { ...config, sipTransport: options.transport ?? config.sipTransport }).target
  return {
    token: attempt.token!,
    uri: (target as { sipUri: string }).sipUri,
    room: { ...roomFormatOf(settings).request(call, attempt), metadata: JSON.stringify({ probe: true }) }
  }
}

/** Errors from before the request was sent, or from something that does not speak HTTP: there LiveKit made nothing. */
const NOT_SENT =
  /ECONNREFUSED|ENOTFOUND|EAI_|ENODATA|EHOSTUNREACH|ENETUNREACH|CONNECT_TIMEOUT|EPROTO|ERR_SSL|ERR_TLS|CERT|HPE_/

/** Whether a createRoom that failed may have made the room all the same. */
export const mayExist = (error: unknown): boolean =>
  error instanceof LiveKitError &&
  (error.failure === 'timeout' || error.failure === 'failed' ||
    (error.failure === 'unreachable' && !NOT_SENT.test(error.message)))

/** Deletes a room for good. What becomes of it is a finding, never an error. @returns undefined when there was none */
export async function removeRoom (
  rooms: Parameters<typeof deleteForGood>[0],
  name: string,
  options: DeleteOptions = {}
): Promise<Finding | undefined> {
  const deletion = await deleteForGood(rooms, name, options)
  switch (deletion.outcome) {
    case 'absent':
      return undefined
    case 'deleted':
      return { code: 'room-deleted', severity: 'ok', seen: `Room ${name} was deleted.` }
    case 'came back':
      return {
        code: 'room-deleted',
        severity: 'ok',
        seen: `Room ${name} was deleted twice: an agent whose job was under way had re-created it.`
      }
    case 'left':
      return {
        code: 'room-not-deleted',
        severity: 'warning',
        seen: `Room ${name} could not be deleted (${deletion.failure})${
          deletion.removed > 0 ? `; ${deletion.removed} agents were removed from it` : ''
        }. If it exists, it closes some time after everybody has left it.`,
        todo: 'Delete it by hand where that is too long',
        command: `lk room delete ${name}`
      }
  }
}

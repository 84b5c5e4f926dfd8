import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { openNext } from '../calls/attempts.ts'
import { newCall } from '../calls/new-call.ts'
import { rulesOf } from '../calls/rules.ts'
import type { Settings } from '../config.ts'
import { room as strategy, roomRequest } from '../connect/room.ts'
import { verbConfigOf } from '../jambonz/verb-config.ts'
import { LiveKitError, type LiveKitFailure, type RoomRequest, type Rooms } from '../livekit/rooms.ts'
import type { TransportName } from '../sip/user-agent.ts'
import type { Finding } from './finding.ts'

/** Who the probe says it is: From of the INVITE, `from` and `to` of the job metadata. */
export const PROBE_USER = 'bridge-probe'

/** What the bridge would do for a call: which room it would make, and what Jambonz would dial. */
export interface PlannedCall { token: string, uri: string, room: RoomRequest }

/**
 * A room and a dial for a call that nobody makes, by the code that makes them for real ones. Only the room's own metadata differ: a
 * bridge that looks after this project must not take the room for a call's.
 */
export function planCall (settings: Settings, options: { agent?: string | undefined, transport?: TransportName | undefined, now: number, id?: string }): PlannedCall {
  const rules = rulesOf(settings)
  const facts = { direction: 'inbound' as const, from: PROBE_USER, to: PROBE_USER, callerName: '', withheld: false, headers: {} }
  const call = newCall(`probe-${options.id ?? randomUUID()}`, options.now, facts, { ...rules.app, agent: options.agent ?? rules.app.agent })
  call.plan = [{ strategy: 'room', agent: call.app.agent }]
  const attempt = openNext(call, options.now, rules)!
  const config = verbConfigOf(settings)
  const [target] = strategy.dial(call, attempt, { ...config, sipTransport: options.transport ?? config.sipTransport }).target
  return {
    token: attempt.token!,
    uri: (target as { sipUri: string }).sipUri,
    room: { ...roomRequest(call, attempt, settings.DIAL_TIMEOUT_S), metadata: JSON.stringify({ probe: true }) }
  }
}

/** What a failed request to LiveKit's API means, and what to do. */
export function apiFinding (error: unknown, url: string): Finding {
  const failure: LiveKitFailure = error instanceof LiveKitError ? error.failure : 'failed'
  // The text is the bridge's own: LiveKit's may hold a token.
  const said = error instanceof LiveKitError ? error.message : 'LiveKit could not be asked'
  const host = hostOf(url)
  switch (failure) {
    case 'timeout':
    case 'unreachable':
    case 'skipped':
      return { code: 'livekit-unreachable', severity: 'failed', seen: `The API of LiveKit at ${host} did not answer: ${said}.`, todo: 'Correct LIVEKIT_URL, start the server, or let this machine out to it (HTTPS 443; 7880 on your own server)', command: 'bridge provision --plan' }
    case 'refused-key':
      return { code: 'livekit-refused-key', severity: 'failed', seen: `LiveKit at ${host} refuses the API key: ${said}.`, todo: 'Take LIVEKIT_API_KEY and LIVEKIT_API_SECRET from the project that LIVEKIT_URL names, both from the same line, and see that this machine\'s clock is right', command: 'bridge provision --plan' }
    case 'refused':
    case 'not-found':
    case 'failed':
      return { code: 'livekit-failed', severity: 'failed', seen: `LiveKit at ${host} answered, and did not do it: ${said}.`, todo: failure === 'not-found' ? 'LIVEKIT_URL has a path or a host that is no LiveKit server: correct it' : 'Look at the server\'s log, and run the probe again', command: 'bridge provision --plan' }
  }
}

function hostOf (url: string): string {
  try {
    return new URL(url).host
  } catch {
    return 'LIVEKIT_URL'
  }
}

const DELETE_TRIES = 3
const AGAIN_MS = 1000

/** Deletes a room, in three tries. What becomes of it is told, never thrown. @returns undefined when there was none */
export async function removeRoom (rooms: Pick<Rooms, 'delete'>, name: string): Promise<Finding | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      return await rooms.delete(name) ? { code: 'room-deleted', severity: 'ok', seen: `Room ${name} was deleted.` } : undefined
    } catch (error) {
      if (tries >= DELETE_TRIES) {
        return { code: 'room-not-deleted', severity: 'warning', seen: `Room ${name} could not be deleted (${error instanceof LiveKitError ? error.failure : 'failed'}). It closes by itself, with its agent, within two minutes or so.`, todo: 'Delete it by hand where that is too long', command: `lk room delete ${name}` }
      }
      // A timer that keeps the process alive: nothing else may do so by now.
      await sleep(AGAIN_MS)
    }
  }
}

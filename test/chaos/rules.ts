import type { Call } from '../../src/calls/fold/call.ts'
import type { RegistryStats } from '../../src/calls/store/registry.ts'
import type { JambonzDouble } from '../../src/sandbox/jambonz.ts'
import type { LiveKitDouble } from '../../src/sandbox/livekit.ts'
import type { HttpRequest } from '../../src/sandbox/network.ts'
import type { WorldClock } from './clock.ts'
import type { Weather } from './faults.ts'
import type { Journal } from './journal.ts'
import { MAX_CALL_DURATION_S, type Plan } from './mix.ts'
import type { Watch } from './watch.ts'

/** A rule that does not hold. */
export interface Broken {
  rule: string
  /** Undefined: it is about no call in particular. */
  call?: number
  what: string
  /** The call: what happened to it, and the bridge's own list of events. */
  story: string[]
}

export interface Rules {
  found: Broken[]
  broken(n: number | undefined, what: string): void
  arrived(side: string, request: HttpRequest, n: number | undefined): void
  answered(path: string, status: number, ms: number, n: number | undefined): void
  ended(call: Call, n: number | undefined): void
  roomEvent(event: string, room: string): void
  operatorAsked(n: number, status: number): void
  /** At the end of time. */
  finish(end: { idle: number, unanswered: string[], stats: RegistryStats }): Promise<void>
}

/**
 * What each hook may take to be answered, ms: those with verbs may have to make a room first, within
 * CALL_HOOK_DEADLINE_MS.
 */
const DEADLINES_MS: Record<string, number> = {
  '/livekit-api': 6000,
  '/action': 6000,
  '/refer-complete': 6000,
  '/refer': 100,
  '/status': 100,
  '/amd': 100,
  '/livekit-events': 100
}
/**
 * How long the bridge may take to be rid of a talk that began after its end, from hearing of it: LiveKit may just be
 * down.
 */
const GHOST_MS = 40_000
/** How long a room may stay after its call ended: no outage of deleteRoom lasts as long. */
const STRAY_ROOM_MS = 120_000
/** Jambonz and we do not see the answer at the same moment. */
const DURATION_SLACK_MS = 1000

/** What must hold, whatever happens to the messages. */
export function createRules ({ clock, plans, jambonz, livekit, watch, journal, weather, logged }: {
  clock: WorldClock
  plans: Map<number, Plan>
  jambonz: JambonzDouble
  livekit: LiveKitDouble
  watch: Watch
  journal: Journal
  weather: Weather
  /** What the bridge logged from warnings on. */
  logged: string[]
}): Rules {
  const found: Broken[] = []
  const heardOf = new Set<string>()
  const askedByOperator = new Set<number>()
  const roomsMade = new Map<string, number>()
  const deletedAt = new Map<string, number>()
  const sidOf = new Map<number, string>()
  const ghosts = new Set<string>()

  function add (rule: string, n: number | undefined, what: string) {
    found.push({ rule, ...n !== undefined && { call: n }, what, story: [] })
  }

  /** A call whose both ends are talking is ended by nobody but them, the operator, or its time. */
  function mayEnd (callSid: string, n: number | undefined): boolean {
    const since = jambonz.talkingSince(callSid)
    if (since === undefined || n === undefined) return true
    if (askedByOperator.has(n) || clock.now() - since >= MAX_CALL_DURATION_S * 1000 - DURATION_SLACK_MS) return true
    const { agent, bringBackAfterMs } = plans.get(n)!
    const agentGoes = [agent?.onConnected, agent?.onJoined].some(exit =>
      exit?.leaveAfterMs !== undefined || exit?.dieAfterMs !== undefined
    )
    return agentGoes || bringBackAfterMs !== undefined
  }

  /** What the bridge hears of a call that it has ended must not go on. */
  function watchGhost (callSid: string, n: number | undefined) {
    const since = jambonz.talkingSince(callSid)
    const call = watch.calls.get(callSid)
    if (since === undefined || call?.phase !== 'ended' || since <= call.at.ended! || ghosts.has(callSid)) return
    if (!call.attempts.some(({ room }) => room !== undefined && hasCaller(room))) return
    ghosts.add(callSid)
    clock.schedule(GHOST_MS, () => {
      if (jambonz.talkingSince(callSid) === since && watch.calls.get(callSid)?.phase === 'ended') {
        add('what has ended is over', n, `they have been talking since ${since - call.at.ended!} ms after the end`)
      }
    })
  }

  const hasCaller = (room: string): boolean =>
    livekit.room(room)?.participants
      .some(({ kind, attributes }) =>
        kind === 'SIP' && (attributes as Record<string, string>)['sip.callStatus'] === 'active'
      ) ?? false

  function storyOf (n: number): string[] {
    const call = watch.calls.get(sidOf.get(n) ?? '')
    const plan = plans.get(n)
    return [
      `plan ${JSON.stringify(plan)}`,
      ...journal.linesOf(n),
      ...call
        ? [`the bridge's record: ${call.phase} ${JSON.stringify(call.end ?? {})} duties ${JSON.stringify(call.duties)}`]
        : ['the bridge has no record of it'],
      ...(call?.events ?? []).map(event => `  ${JSON.stringify(event)}`)
    ]
  }

  /** A room that nobody deleted closes by itself minutes later, and its agent has waited there for nothing. */
  function roomClosed (room: string) {
    const callSid = watch.rooms.get(room)
    const ended = callSid === undefined ? undefined : watch.calls.get(callSid)?.at.ended
    if (ended === undefined || clock.now() - ended < STRAY_ROOM_MS || clock.now() - (deletedAt.get(room) ?? 0) < 1000) {
      return
    }
    const [n] = [...sidOf].find(([, sid]) => sid === callSid) ?? []
    add('every room is deleted', n, `${room} closed by itself, ${clock.now() - ended} ms after its call`)
  }

  const rules: Rules = {
    found,
    broken: (n, what) => add('a call ends once, for one cause', n, what),
    arrived (side, { url, body }, n) {
      if (side === 'hook') {
        const { call_sid: own, parent_call_sid: parent } = JSON.parse(body) as {
          call_sid: string
          parent_call_sid?: string
        }
        heardOf.add(parent ?? own)
        if (n !== undefined) sidOf.set(n, parent ?? own)
        watchGhost(parent ?? own, n)
      }
      const json = side === 'livekit-api' ? JSON.parse(body) as { room?: string, identity?: string } : {}
      if (url.endsWith('/DeleteRoom') && json.room !== undefined) {
        deletedAt.set(json.room, clock.now())
        const callSid = watch.rooms.get(json.room)
        if (callSid !== undefined && hasCaller(json.room) && !mayEnd(callSid, n)) {
          add(
            'a live call is left alone',
            n,
            `its room was deleted after ${clock.now() - jambonz.talkingSince(callSid)!} ms of talk`
          )
        }
      }
      const [, callSid] = /\/Calls\/([^/]+)$/.exec(url) ?? []
      if (callSid !== undefined && /completed/.test(body) && !mayEnd(callSid, n)) {
        add('a live call is left alone', n, 'its caller was hung up on over the REST API')
      }
    },
    answered (path, status, ms, n) {
      const right = path === '/refer' ? [200, 403] : [200, 202, 204]
      if (!right.includes(status)) add('every hook is answered well', n, `${path} got ${status}`)
      if (ms > (DEADLINES_MS[path] ?? 0)) add('every hook is answered in time', n, `${path} took ${ms} ms`)
    },
    ended (call, n) {
      if (!mayEnd(call.callSid, n)) {
        add(
          'a live call is left alone',
          n,
          `the bridge wrote it off as ${call.end?.cause} after ${
            clock.now() - jambonz.talkingSince(call.callSid)!
          } ms of talk`
        )
      }
      const plan = n === undefined ? undefined : plans.get(n)
      if (weather === 'calm' && plan && call.end && !plan.causes.includes(call.end.cause)) {
        add(
          'on a fine day the cause is known',
          n,
          `${plan.kind}: ${call.end.cause} instead of ${plan.causes.join(' or ')}`
        )
      }
    },
    roomEvent (event, room) {
      if (event === 'room_started') roomsMade.set(room, clock.now())
      if (event === 'room_finished') roomClosed(room)
    },
    operatorAsked (n, status) {
      if (status === 202) askedByOperator.add(n)
      else if (status >= 500 && status !== 501) {
        add('every hook is answered well', n, `an operator's hang-up got ${status}`)
      }
    },
    async finish ({ idle, unanswered, stats }) {
      const numberOf = new Map([...sidOf].map(([n, sid]) => [sid, n]))
      for (const what of unanswered) add('every hook is answered in time', undefined, `never: ${what}`)
      for (const callSid of heardOf) {
        if (!watch.calls.has(callSid)) {
          add('a call ends once, for one cause', numberOf.get(callSid), 'was heard of and is not known')
        }
      }
      for (const call of watch.calls.values()) {
        const n = numberOf.get(call.callSid)
        if (call.phase !== 'ended') add('no call stays active', n, `is ${call.phase}`)
        if (call.duties.length > 0) {
          add(
            'no duty stays',
            n,
            call.duties.map(({ kind, tries }) => `${kind} after ${tries} tries`).join(', ')
          )
        }
      }
      for (const [record, times] of watch.ends) {
        if (times !== 1) {
          add('a call ends once, for one cause', numberOf.get(record.split(' ')[0]!), `${record} ended ${times} times`)
        }
      }
      const active = Object.entries(stats.phases).filter(([phase, calls]) => phase !== 'ended' && calls !== 0)
      if (active.length > 0) add('no call stays active', undefined, JSON.stringify(active))
      if (stats.duties !== 0) add('no duty stays', undefined, `${stats.duties} in the registry`)
      for (const { room } of livekit.rooms()) {
        add('no room stays', numberOf.get(watch.rooms.get(String(room.name)) ?? ''), String(room.name))
      }
      for (const [room, made] of roomsMade) {
        const callSid = watch.rooms.get(room)
        if (callSid !== undefined && (deletedAt.get(room) ?? 0) < made) {
          add(
            'every room is deleted',
            numberOf.get(callSid),
            `${room}: ${deletedAt.has(room) ? 'not after it was made again' : 'never'}`
          )
        }
      }
      for (const { leg, ended } of jambonz.calls()) {
        if (!ended) add('no caller is left on the line', numberOf.get(leg.callSid), `${leg.callStatus} in Jambonz`)
      }
      const phoned = [...plans.values()].filter(({ outbound }) => !outbound).length
      if (idle !== phoned) add('no caller is left on the line', undefined, `${phoned - idle} phones`)
      for (const line of logged) {
        const { level, msg, callSid, error } = JSON.parse(line)
        if (/given up/.test(msg)) continue
        if (level >= 50 || error?.stack) add('the bridge has no faults', numberOf.get(callSid), line.trim())
      }
      for (const broken of found) if (broken.call !== undefined) broken.story = storyOf(broken.call)
    }
  }
  return rules
}

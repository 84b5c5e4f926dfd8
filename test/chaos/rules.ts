import type { Call } from '../../src/calls/fold/call.ts'
import type { RegistryStats } from '../../src/calls/store/registry.ts'
import type { JambonzDouble } from '../../src/sandbox/jambonz.ts'
import type { LiveKitDouble } from '../../src/sandbox/livekit.ts'
import type { CallEventPayload } from '../../src/events/event-schemas.ts'
import type { HttpRequest } from '../../src/sandbox/network.ts'
import type { WorldClock } from './clock.ts'
import type { Weather } from './faults.ts'
import type { Journal } from './journal.ts'
import type { Plan } from './mix.ts'
import { createLiveCalls } from './rules-live.ts'
import { createTransferRules } from './rules-transfers.ts'
import type { Watch } from './watch.ts'
import type { Witness } from './witness.ts'

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
  /** The record of a call was written. */
  changed(call: Call): void
  /** Somebody hears nobody, for so long by now. */
  isAlone(callSid: string, ms: number): void
  /** An event reached the user's system. */
  told(event: CallEventPayload): void
  roomEvent(event: string, room: string): void
  operatorAsked(n: number, status: number): void
  /** At the end of time. */
  finish(end: {
    idle: number
    called: number
    unanswered: string[]
    stats: RegistryStats
    /** Rooms whose agents wait for calls. */
    waiting: ReadonlySet<string>
  }): Promise<void>
  /** The bridge has stopped. */
  closed(): void
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
  '/livekit-events': 100,
  '/redirect': 6000,
  '/screen': 6000,
  '/screen-digit': 6000
}
/** What agents ask for may have to wait for Jambonz' REST API first. */
const AGENT_DEADLINE_MS = 20_000
/** How long a room may stay after its call ended: no outage of deleteRoom lasts as long. */
const STRAY_ROOM_MS = 120_000

/** What must hold, whatever happens to the messages. */
export function createRules (world: {
  clock: WorldClock
  plans: Map<number, Plan>
  jambonz: JambonzDouble
  livekit: LiveKitDouble
  watch: Watch
  journal: Journal
  weather: Weather
  witness: () => Witness
  /** The plan that a call of Jambonz is about. */
  numberOf(callSid: string): number | undefined
  /** What the bridge logged from warnings on. */
  logged: string[]
}): Rules {
  const { clock, plans, jambonz, livekit, watch, journal, weather, witness, numberOf, logged } = world
  const found: Broken[] = []
  const heardOf = new Set<string>()
  const roomsMade = new Map<string, number>()
  const deletedAt = new Map<string, number>()

  function add (rule: string, n: number | undefined, what: string) {
    found.push({ rule, ...n !== undefined && { call: n }, what, story: [] })
  }

  const live = createLiveCalls({ add, clock, plans, jambonz, livekit, watch, witness })
  const { mayEnd, hasCaller, watchGhost } = live
  const people = createTransferRules({ add, clock, plans, jambonz, watch, witness, numberOf, weather })

  function storyOf (n: number): string[] {
    const calls = [...watch.calls.values()].filter(({ callSid }) => numberOf(callSid) === n)
    return [
      `plan ${JSON.stringify(plans.get(n))}`,
      ...journal.linesOf(n),
      ...calls.length === 0 ? ['the bridge has no record of it'] : [],
      ...calls.flatMap(({ callSid, phase, end, duties, events }) => [
        `the bridge's record of ${callSid}: ${phase} ${JSON.stringify(end ?? {})} duties ${JSON.stringify(duties)}`,
        ...events.map(event => `  ${JSON.stringify(event)}`)
      ])
    ]
  }

  /** A room that nobody deleted closes by itself minutes later, and its agent has waited there for nothing. */
  function roomClosed (room: string) {
    const callSid = watch.rooms.get(room)
    const ended = callSid === undefined ? undefined : watch.calls.get(callSid)?.at.ended
    if (ended === undefined || clock.now() - ended < STRAY_ROOM_MS || clock.now() - (deletedAt.get(room) ?? 0) < 1000) {
      return
    }
    const afterMs = clock.now() - ended
    add('every room is deleted', numberOf(callSid!), `${room} closed by itself, ${afterMs} ms after its call`)
  }

  const roomNames = () => livekit.rooms().map(({ room }) => String(room.name))

  const rules: Rules = {
    found,
    closed () {
      for (const room of roomNames()) add('no room stays', undefined, `${room}, when the bridge has stopped`)
    },
    changed: people.changed,
    isAlone: people.isAlone,
    told: people.told,
    broken: (n, what) => add('a call ends once, for one cause', n, what),
    arrived (side, { url, body }, n) {
      if (side === 'hook') {
        const { call_sid: own, parent_call_sid: parent } = JSON.parse(body) as Record<string, string>
        heardOf.add(parent ?? own!)
        watchGhost(parent ?? own!, n)
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
      const isAgents = path.startsWith('/calls/')
      const right = path === '/refer' ? [200, 403] : [200, 202, 204]
      const isRight = isAgents ? status < 500 || [501, 503].includes(status) : right.includes(status)
      if (!isRight) add('every hook is answered well', n, `${path} got ${status}`)
      const deadlineMs = isAgents ? AGENT_DEADLINE_MS : DEADLINES_MS[path] ?? 0
      if (ms > deadlineMs) add('every hook is answered in time', n, `${path} took ${ms} ms`)
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
      const isCaller = call.order?.transfer === undefined && plan && plan.causes.length > 0
      if (weather === 'calm' && isCaller && call.end && !plan.causes.includes(call.end.cause)) {
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
      if (status === 202) live.operatorAsked(n)
      else if (status >= 500 && status !== 501) {
        add('every hook is answered well', n, `an operator's hang-up got ${status}`)
      }
    },
    async finish ({ idle, called, unanswered, stats, waiting }) {
      people.finish()
      for (const what of unanswered) add('every hook is answered in time', undefined, `never: ${what}`)
      for (const callSid of heardOf) {
        if (!watch.calls.has(callSid)) {
          add('a call ends once, for one cause', numberOf(callSid), 'was heard of and is not known')
        }
      }
      for (const call of watch.calls.values()) {
        const n = numberOf(call.callSid)
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
          add('a call ends once, for one cause', numberOf(record.split(' ')[0]!), `${record} ended ${times} times`)
        }
      }
      const active = Object.entries(stats.phases).filter(([phase, calls]) => phase !== 'ended' && calls !== 0)
      if (active.length > 0) add('no call stays active', undefined, JSON.stringify(active))
      if (stats.duties !== 0) add('no duty stays', undefined, `${stats.duties} in the registry`)
      for (const room of roomNames()) {
        if (!waiting.has(room)) add('no room stays', numberOf(watch.rooms.get(room) ?? ''), room)
      }
      for (const [room, made] of roomsMade) {
        const callSid = watch.rooms.get(room)
        if (callSid !== undefined && (deletedAt.get(room) ?? 0) < made) {
          add(
            'every room is deleted',
            numberOf(callSid),
            `${room}: ${deletedAt.has(room) ? 'not after it was made again' : 'never'}`
          )
        }
      }
      for (const { leg, ended } of jambonz.calls()) {
        if (!ended) add('no caller is left on the line', numberOf(leg.callSid), `${leg.callStatus} in Jambonz`)
      }
      const phoned = [...plans.values()].filter(({ outbound }) => !outbound).length
      if (idle !== phoned) add('no caller is left on the line', undefined, `${phoned - idle} phones`)
      if (called !== 0) add('no caller is left on the line', undefined, `${called} phones that were called`)
      for (const line of logged) {
        const { level, msg, callSid, error } = JSON.parse(line)
        if (/given up/.test(msg)) continue
        if (level >= 50 || error?.stack) add('the bridge has no faults', numberOf(callSid), line.trim())
      }
      for (const broken of found) if (broken.call !== undefined) broken.story = storyOf(broken.call)
    }
  }
  return rules
}

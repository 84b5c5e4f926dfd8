import type { Rules } from '../../calls/fold/rules.ts'
import type { Way } from '../../calls/fold/way.ts'
import { defaultRoute } from '../../routing/settings-table.ts'
import { createOpenWay } from '../../routing/strategies.ts'
import { parseUri } from '../../sip/address.ts'
import { tolerant } from '../lenient-sip.ts'
import type { Leg } from '../leg.ts'
import { isFromLiveKit } from './hook-events.ts'
import type { AnyHookBody, HookSeen, RoomSeen } from '../seen.ts'

/** Rules under which the rooms that were seen are those of the call's attempts. */
export interface GuessedRules extends Rules {
  /** A room that is not named after the dialled user, because another kind of dispatch rule made it. */
  foreignRoom?: string
}

/** feature-server's own limit is an hour or more. Only the cause `time-limit` depends on it. */
export const TIME_LIMIT_S = 7200

/** Guesses the settings of the application that connected the call. */
export function guessRules (
  hooks: readonly HookSeen[],
  rooms: readonly RoomSeen[],
  agentLegs: readonly Leg[]
): GuessedRules {
  const dialled = dialledUsers(hooks)
  const called = rooms.flatMap(({ event }) => event.participant?.sip?.called ?? [])
  const candidates = [...repliedUsers(hooks), ...dialled, ...agentLegs.map(({ user }) => user), ...called]
  const users = [...new Set(candidates)].filter(user => user !== '' && !isNumber(user))
  const names = [...new Set(rooms.map(({ event }) => event.room))]
  const own = ownRoom(names, new Set(users))
  const foreignRoom = own ? undefined : roomOfCaller(rooms) ?? names[0]
  const number = dialled.find(isNumber)
  const tokenOf = (_callSid: string, n: number) => users[n - 1] ?? users[0] ?? 'unknown'
  const ways = hooks.length > 0 ? waysOfHooks(hooks, rooms) : waysOfLegs(agentLegs)
  const roomPrefix = own ? own.name.slice(0, -own.user.length - 1) : 'room'

  return {
    ...(foreignRoom !== undefined && { foreignRoom }),
    tokenOf,
    roomPrefix,
    guessRoute: ({ to, direction }, app) => {
      if (ways.length > 0) return { ways }
      return direction === 'agent' ? { ways: [{ strategy: 'phone', number: to }] } : defaultRoute(app, to)
    },
    completeRoute: route => route,
    openWay: createOpenWay({ tokenOf, roomPrefix }),
    app: { agent: 'agent', metadata: '', ...(number !== undefined && { fallbackNumber: number }) },
    ruleAgent: 'agent',
    dialTimeoutS: 60,
    departureS: 10,
    timeLimitS: TIME_LIMIT_S,
    retentionS: 86_400,
    redispatchMs: 0,
    rejoinMs: 0,
    agentLost: 'end',
    callControl: false,
    publishes: false
  }
}

/** Without hooks, each leg to LiveKit behind one that failed was the next way of the application. */
const waysOfLegs = (agentLegs: readonly Leg[]): Way[] =>
  agentLegs.length < 2 ? [] : agentLegs.map(() => ({ strategy: 'room', agent: 'agent' }))

/**
 * The ways of a call in which Jambonz dialled a number first. Empty where it dialled something else, or where LiveKit's
 * events show a caller: a carrier may lead to LiveKit.
 */
function waysOfHooks (hooks: readonly HookSeen[], rooms: readonly RoomSeen[]): Way[] {
  const targets = dialledTargets(hooks)
  if (targets[0] === undefined || !isNumber(targets[0])) return []
  if (!isFromLiveKit(hooks) && roomOfCaller(rooms) !== undefined) return []
  return targets.map(to => isNumber(to) ? { strategy: 'phone', number: to } : { strategy: 'room', agent: 'agent' })
}

/** What was dialled, once for each leg. */
function dialledTargets (hooks: readonly HookSeen[]): string[] {
  const targets = new Map<string, string>()
  for (const { body } of hooks) {
    const { parent_call_sid: parent, call_sid: sid, to }: AnyHookBody = body
    if (parent !== undefined && to !== undefined && !targets.has(sid)) targets.set(sid, to)
  }
  return [...targets.values()]
}

/** SIP users and numbers that agent legs were dialled to, as hooks report them. */
function dialledUsers (hooks: readonly HookSeen[]): string[] {
  return hooks.flatMap(({ body }) => {
    const { parent_call_sid: parent, to }: AnyHookBody = body
    if (parent === undefined || to === undefined) return []
    return [/^sips?:/i.test(to) ? tolerant(() => parseUri(to))?.user ?? '' : to]
  })
}

/** SIP users of the dials that call hooks were answered with. */
function repliedUsers (hooks: readonly HookSeen[]): string[] {
  return hooks.flatMap(({ reply }) => {
    const verbs = JSON.stringify(reply?.verbs ?? null)
    return [...verbs.matchAll(/"sipUri":"sips?:([^@"]+)@/g)].map(match => match[1] ?? '')
  })
}

const roomOfCaller = (rooms: readonly RoomSeen[]): string | undefined =>
  rooms.find(({ event }) => event.participant?.kind === 'SIP')?.event.room

/** The first room that is named `<prefix>_<user>` after one of the users. */
function ownRoom (names: readonly string[], users: ReadonlySet<string>): { name: string, user: string } | undefined {
  for (const name of names) {
    for (let at = name.indexOf('_'); at >= 0; at = name.indexOf('_', at + 1)) {
      const user = name.slice(at + 1)
      if (users.has(user)) return { name, user }
    }
  }
  return undefined
}

const isNumber = (user: string): boolean => /^\+?[\d*#]+$/.test(user)

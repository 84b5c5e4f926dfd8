import { createHash } from 'node:crypto'
import type { Calls } from '../calls/calls.ts'
import { UNAVAILABLE } from '../calls/fold/call.ts'
import type { CallHookEvent } from '../calls/fold/events.ts'
import type { ApplicationConfig } from '../calls/fold/way.ts'
import type { Clock } from '../clock.ts'
import { HookBodyError } from '../errors.ts'
import type { NumberGate } from '../routing/policy/number-gate.ts'
import type { RoutesSource } from '../routing/routes.ts'
import { applicationDefaults } from '../routing/settings-table.ts'
import { judgeAgentCall, type AgentDoorOptions } from './agent-door.ts'
import {
  actionEvent,
  callHookEvent,
  callSidOf,
  referCompleteEvent,
  referEvent,
  routeQueryOf,
  statusEvent,
  type HookContext
} from './events.ts'
import { voicemailEvent } from './amd.ts'
import { judgeTransfer, leaveTransfers } from './transfer-door.ts'
import {
  readAction,
  readAmd,
  readCallHook,
  readRefer,
  readReferComplete,
  readStatus,
  type CallHook
} from './payloads.ts'
import {
  readRedirect,
  readScreen,
  readScreenDigit,
  redirectEvent,
  screenDigitEvent,
  screenEvent,
  type HookQuery
} from './transfer-payloads.ts'
import type { VerbConfig } from './verb-config.ts'
import { verbsFor } from './verbs-for.ts'
import { decline, hangUpAfter, type Verbs } from './verbs.ts'

/*
 * The one way that every hook of Jambonz takes, whatever carries it: its name and raw body become an event of a call,
 * and the call's reply becomes verbs.
 */

export type Hook =
  | 'call-hook'
  | 'action'
  | 'status'
  | 'refer'
  | 'refer-complete'
  | 'amd'
  | 'redirect'
  | 'screen'
  | 'screen-digit'

/**
 * What Jambonz gets. A REFER can be refused: feature-server passes the status on to the leg that sent it. So can a
 * redirect: the leg goes on as it was (recorded on feature-server 0.9.8).
 */
export type HookAnswer =
  | { kind: 'verbs', verbs: Verbs }
  | { kind: 'refused', status: 403 | 503 }
  | { kind: 'nothing' }

/** A hook whose body was read. */
export interface ReadHook {
  /** The call that it is about. */
  callSid: string
  /** Commits what the hook says, and finds its answer. Rejects when it cannot: see {@link Hooks.failed}. */
  answer(): Promise<HookAnswer>
}

export interface Hooks {
  /**
   * @param query of the address that we gave Jambonz
   * @throws {HookBodyError} when the body means nothing to us
   */
  read(hook: Hook, raw: Buffer, query?: HookQuery): ReadHook
  /** The answer to a hook that could not be read or answered. */
  failed(hook: Hook, error: unknown, raw: Buffer): HookAnswer
}

export interface HooksOptions extends AgentDoorOptions, Required<HookContext> {
  calls: Calls
  clock: Clock
  verbConfig: VerbConfig
  /** Names of the inbound headers that the agent may see. */
  callerHeaders: readonly string[]
  routes: RoutesSource
  /** Decides where transfers may go, and whom agents may call. */
  gate: NumberGate
  /** The settings' application. */
  app: ApplicationConfig
}

type Open = (body: unknown, hash: string, options: HooksOptions, query: HookQuery) => ReadHook

const OPEN: Record<Hook, Open> = {
  'call-hook': openCallHook,
  action: openAction,
  status: openStatus,
  refer: openRefer,
  'refer-complete': openReferComplete,
  amd: openAmd,
  redirect: openRedirect,
  screen: openScreen,
  'screen-digit': openScreenDigit
}

export function createHooks (options: HooksOptions): Hooks {
  return {
    read (hook, raw, query = {}) {
      // A repeat of a hook has the same bytes.
      const hash = createHash('sha256').update(raw).digest('base64url')
      return OPEN[hook](parse(raw), hash, options, query)
    },
    failed (hook, error, raw) {
      switch (hook) {
        case 'call-hook':
          if (isOfCallee(raw)) return verbs(NO_AGENT_FOR_CALLEE)
          return verbs(error instanceof HookBodyError ? decline(400, 'Bad Request') : NO_AGENT)
        case 'refer':
          // Without a refusal Jambonz tells the agent that its transfer was accepted.
          return { kind: 'refused', status: 503 }
        case 'redirect':
        case 'screen':
          // Without verbs Jambonz would end a call that was answered. A server error changes nothing.
          return { kind: 'refused', status: 503 }
        case 'action':
        case 'refer-complete':
        case 'screen-digit':
          return verbs([])
        case 'status':
        case 'amd':
          return { kind: 'nothing' }
      }
    }
  }
}

const NO_AGENT = decline(UNAVAILABLE.status, UNAVAILABLE.reason)
/** Somebody has just answered: a leg that is ended at once may stay connected to nobody. */
const NO_AGENT_FOR_CALLEE = hangUpAfter(1)

const verbs = (verbs: Verbs): HookAnswer => ({ kind: 'verbs', verbs })

function parse (raw: Buffer): unknown {
  try {
    return JSON.parse(raw.toString('utf8'))
  } catch {
    throw new HookBodyError('JSON')
  }
}

/** Whether a call hook is about somebody we called, even where the rest of it cannot be read. They have answered. */
function isOfCallee (raw: Buffer): boolean {
  try {
    const body: unknown = parse(raw)
    return typeof body === 'object' && body !== null && 'direction' in body && body.direction === 'outbound'
  } catch {
    return false
  }
}

/** What to do with a call? Jambonz waits for the verbs. */
function openCallHook (body: unknown, hash: string, options: HooksOptions): ReadHook {
  const { calls, clock, verbConfig, callerHeaders, routes, app } = options
  const hook = readCallHook(body)
  return {
    callSid: hook.call_sid,
    async answer () {
      // SIPREC: a recording session has nobody to talk to.
      if (hook.participants) return verbs(decline(488, 'Not Acceptable Here'))

      const at = clock.now()
      const event = callHookEvent(hook, hash, callerHeaders, options)
      if (event.facts.direction === 'agent') return answerAgentCall(event, hook, at, options)

      const { table } = routes
      const application = { ...applicationDefaults(app, table), ...event.app }
      const route = table.choose(routeQueryOf(hook, event.facts, at, table.headerNames), application)
      const { call, reply } = await calls.receive({ ...event, route, at })
      if (call) return verbs(verbsFor(call, reply, verbConfig))
      return verbs(hook.direction === 'outbound' ? NO_AGENT_FOR_CALLEE : NO_AGENT)
    }
  }
}

/** An agent calls somebody. */
async function answerAgentCall (
  event: Omit<CallHookEvent, 'refuse'>,
  hook: CallHook,
  at: number,
  options: HooksOptions
): Promise<HookAnswer> {
  const judged = await judgeAgentCall(event, hook, options)
  const { call, reply } = await options.calls.receive({ ...judged.event, at })
  if (reply.kind !== 'dial') await judged.withdraw()
  return verbs(call ? verbsFor(call, reply, options.verbConfig) : NO_AGENT)
}

/** A dial is over: what next? */
function openAction (body: unknown, hash: string, options: HooksOptions): ReadHook {
  const { calls, clock, verbConfig } = options
  const action = readAction(body)
  const callSid = callSidOf(action)
  return {
    callSid,
    async answer () {
      const answer = await calls.answer({ ...actionEvent(action, hash, options), at: clock.now() }, callSid)
      return verbs(answer ? verbsFor(answer.call, answer.reply, verbConfig) : [])
    }
  }
}

/** A leg has a new status. */
function openStatus (body: unknown, _hash: string, options: HooksOptions): ReadHook {
  const { calls, clock } = options
  const status = readStatus(body)
  const callSid = callSidOf(status)
  return {
    callSid,
    async answer () {
      await calls.apply(callSid, { ...statusEvent(status, options), at: clock.now() })
      return { kind: 'nothing' }
    }
  }
}

/** A leg asks for a transfer. Whatever we cannot carry out is refused, so that the agent learns of it. */
function openRefer (body: unknown, hash: string, { calls, clock, verbConfig, gate }: HooksOptions): ReadHook {
  const refer = readRefer(body)
  const callSid = callSidOf(refer)
  return {
    callSid,
    async answer () {
      const { event, withdraw } = await judgeTransfer(referEvent(refer, hash), gate)
      const answer = await calls.answer({ ...event, at: clock.now() }, callSid).catch(async (error: unknown) => {
        await withdraw()
        throw error
      })
      if (answer?.reply.kind === 'refer') return verbs(verbsFor(answer.call, answer.reply, verbConfig))

      await withdraw()
      const isForbidden = answer?.reply.kind === 'forbid' && event.refused !== 'store-unavailable'
      return { kind: 'refused', status: isForbidden ? 403 : 503 }
    }
  }
}

/** A transfer is decided: what next? */
function openReferComplete (body: unknown, hash: string, { calls, clock, verbConfig, gate }: HooksOptions): ReadHook {
  const result = readReferComplete(body)
  const { call_sid: callSid } = result
  return {
    callSid,
    async answer () {
      const answer = await calls.answer({ ...referCompleteEvent(result, hash), at: clock.now() }, callSid)
      if (answer) await leaveTransfers(answer.call, gate)
      return verbs(answer ? verbsFor(answer.call, answer.reply, verbConfig) : [])
    }
  }
}

/** What should a leg do that we had redirected? */
function openRedirect (body: unknown, hash: string, options: HooksOptions, query: HookQuery): ReadHook {
  const { calls, clock, verbConfig } = options
  const hook = readRedirect(body)
  const callSid = callSidOf(hook)
  return {
    callSid,
    async answer () {
      const event = redirectEvent(hook, hash, query, options)
      const answer = await calls.answer({ ...event, at: clock.now() }, callSid)
      return answer ? verbs(verbsFor(answer.call, answer.reply, verbConfig)) : { kind: 'refused', status: 503 }
    }
  }
}

/** A person has answered, who may take the call. */
function openScreen (
  body: unknown,
  hash: string,
  { calls, clock, verbConfig }: HooksOptions,
  query: HookQuery
): ReadHook {
  const hook = readScreen(body)
  const callSid = callSidOf(hook)
  return {
    callSid,
    async answer () {
      const answer = await calls.answer({ ...screenEvent(hook, hash, query), at: clock.now() }, callSid)
      return verbs(answer ? verbsFor(answer.call, answer.reply, verbConfig) : [{ verb: 'hangup' }])
    }
  }
}

/** The person pressed a key. */
function openScreenDigit (
  body: unknown,
  hash: string,
  { calls, clock, verbConfig }: HooksOptions,
  query: HookQuery
): ReadHook {
  const hook = readScreenDigit(body)
  const callSid = callSidOf(hook)
  return {
    callSid,
    async answer () {
      const answer = await calls.answer({ ...screenDigitEvent(hook, hash, query), at: clock.now() }, callSid)
      return verbs(answer ? verbsFor(answer.call, answer.reply, verbConfig) : [])
    }
  }
}

/** Jambonz found out who answered. The call hook is answered meanwhile: verbs here would replace its own. */
function openAmd (body: unknown, _hash: string, { calls, clock, orders }: HooksOptions): ReadHook {
  const found = readAmd(body)
  const { call_sid: callSid } = found
  return {
    callSid,
    async answer () {
      const event = voicemailEvent(found, orders)
      if (event) await calls.apply(callSid, { ...event, at: clock.now() })
      return { kind: 'nothing' }
    }
  }
}

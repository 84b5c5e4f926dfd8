import type { Evidence } from './evidence.ts'
import type { Contradiction } from './verdicts.ts'

/*
 * The same for calls in which somebody is called. For Jambonz the leg that it has first is the caller's: of a placed
 * call that is the callee's, of an agent's call it is LiveKit's.
 */

type Tables = {
  contradicted: Record<string, Contradiction>
  supported: Record<string, (evidence: Evidence) => boolean>
}

const calleeAnswered: Contradiction = ({ callerAnswered }) =>
  callerAnswered === undefined ? undefined : 'the callee answered'
const legAnswered: Contradiction = ({ legAnswered }) => legAnswered === undefined ? undefined : 'the callee answered'
const byJambonz: Contradiction = ({ callerFinal }) =>
  callerFinal?.by === 'jambonz' ? "Jambonz ended the callee's leg" : undefined
const byCallee: Contradiction = ({ callerFinal }) =>
  callerFinal?.by === 'caller' ? 'the callee ended the call' : undefined
const byLiveKit: Contradiction = ({ callerFinal }) =>
  callerFinal?.by === 'caller' ? 'LiveKit ended the call' : undefined
const placed: Contradiction = ({ heard }) => heard ? 'Jambonz sent hooks of it' : undefined

const REFUSALS = ['busy', 'declined', 'no-answer', 'number-unobtainable', 'carrier-failed']
const forAll = <T>(causes: string[], value: T): Record<string, T> =>
  Object.fromEntries(causes.map(cause => [cause, value]))

export const OF_ORDERS: Tables = {
  contradicted: {
    ...forAll(REFUSALS, calleeAnswered),
    'callee-hung-up': byJambonz,
    'operator-hung-up': byCallee,
    'reply-refused': byCallee,
    'not-placed': placed,
    lost: byCallee
  },
  supported: {
    ...forAll(REFUSALS, ({ callerFinal }) => callerFinal !== undefined && callerFinal.status !== 'completed'),
    'callee-hung-up': ({ callerFinal, sipLeft }) =>
      callerFinal?.status === 'completed' || sipLeft?.reason === 'CLIENT_INITIATED',
    'reply-refused': ({ callerFinal }) => callerFinal?.by === 'jambonz',
    'not-placed': () => true
  }
}

export const OF_AGENTS: Tables = {
  contradicted: {
    ...forAll(REFUSALS, legAnswered),
    'callee-hung-up': byLiveKit,
    'agent-hung-up': byJambonz,
    'agent-gave-up': legAnswered,
    lost: byLiveKit
  },
  supported: {
    ...forAll(REFUSALS, ({ agentLegFinal, action, callerFinal }) =>
      agentLegFinal !== undefined || action !== undefined || callerFinal !== undefined),
    'callee-hung-up': ({ agentLegFinal, callerFinal, sipLeft }) =>
      agentLegFinal !== undefined || callerFinal !== undefined || sipLeft?.reason === 'CLIENT_INITIATED',
    'agent-hung-up': ({ callerFinal, sipLeft }) => callerFinal?.by === 'caller' || sipLeft !== undefined,
    'agent-gave-up': ({ callerFinal, sipLeft }) => callerFinal?.by === 'caller' || sipLeft !== undefined,
    lost: () => true
  }
}

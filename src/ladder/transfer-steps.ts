import type { CallView } from '../calls/view.ts'
import type { Step } from './trace.ts'

/*
 * What happens in a transfer, as steps of a ladder.
 */

type Event = CallView['events'][number]
type Drawn = Omit<Step, 'at'>

/** The step of an event that belongs to a transfer. Undefined: it belongs to none. */
export function stepOfTransfer (event: Event): Drawn | undefined {
  const { from, what, status } = event
  if (from === 'person') return what === 'key' ? keyStep(status) : personStep(event)
  if ((from === 'agent' || from === 'operator') && ASKED.test(what)) return askedStep(event)
  if (from === 'jambonz' && HOOKS[what] !== undefined) {
    return { from: 'jambonz', to: 'bridge', via: 'http', what: HOOKS[what] }
  }
  if (from !== 'bridge') return undefined

  const said = TO_JAMBONZ[what]
  if (said !== undefined) return { from: 'bridge', to: 'jambonz', via: 'http', what: said }
  if (what === 'caller') {
    const there = PRESENCE[status ?? ''] ?? 'not known'
    return { from: 'bridge', to: 'livekit', via: 'room', what: `is the caller there? ${there}` }
  }
  return what.startsWith('transfer ') ? resultStep(event) : undefined
}

const HOOKS: Partial<Record<string, string>> = { 'redirect hook': '/redirect', 'screen hook': '/screen' }

const ASKED = /^transfer |^(?:complete|cancel) transfer$/

/** What the bridge asks of Jambonz, or replies. */
const TO_JAMBONZ: Partial<Record<string, string>> = {
  redirect: 'redirect the caller',
  merge: 'redirect the person',
  refer: 'reply: refer the caller',
  'back to the agent': 'reply: back to the agent'
}

const PRESENCE: Partial<Record<string, string>> = { there: 'yes', gone: 'no' }

/** Somebody asked for a transfer, or for what is to become of it: the agent, or the holder of another key. */
function askedStep ({ what, by }: Event): Drawn {
  if (by === undefined || by === 'agent') return { from: 'agent', to: 'bridge', via: 'http', what }
  return { from: 'bridge', to: 'bridge', via: 'http', what: `${what} by ${by}` }
}

/** What the call of the person told of itself. */
function personStep ({ status = '', detail }: Event): Drawn {
  const known = PERSON[status]
  if (known) return known
  const end = detail === undefined ? '' : `: ${detail}`
  const what = status === 'ended' ? `call of the person ended${end}` : `person ${status}${end}`
  return { from: 'jambonz', to: 'bridge', via: 'http', what }
}

const PERSON: Partial<Record<string, Drawn>> = {
  calling: { from: 'bridge', to: 'jambonz', via: 'http', what: 'call the person' },
  ringing: { from: 'person', to: 'jambonz', via: 'sip', what: 'ringing' },
  answered: { from: 'person', to: 'jambonz', via: 'sip', what: 'answered' },
  consulting: { from: 'person', to: 'livekit', via: 'room', what: 'consulted by an agent' },
  joining: { from: 'bridge', to: 'jambonz', via: 'http', what: 'connect the person' },
  joined: { from: 'person', to: 'livekit', via: 'room', what: 'joined the caller' }
}

/** The key that the person pressed who was asked to take the call. */
function keyStep (status = ''): Drawn {
  if (status === 'none') return { from: 'jambonz', to: 'bridge', via: 'http', what: '/screen-digit no key' }
  return { from: 'person', to: 'bridge', via: 'http', what: `key pressed: ${status}` }
}

function resultStep ({ what, status, sipStatus, detail }: Event): Drawn {
  const why = [status, sipStatus, detail && `(${detail})`].filter(Boolean).join(' ')
  return { from: 'bridge', to: 'bridge', via: 'http', what: `${what}: ${why}` }
}

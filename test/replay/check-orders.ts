import type { Fault } from './check.ts'
import { isJson } from './json.ts'
import { field } from './recording.ts'
import type { Played } from './session.ts'

/** What must be so of every call that is placed, whatever becomes of it. */
export function faultsOfOrders (played: Played): Fault[] {
  const { recording, calleesLeft } = played
  if (recording.orders.length === 0 && recording.transfers.length === 0) return []
  return [
    ...faultsOfCreateCall(played),
    ...faultsOfDecline(played),
    ...faultsOfAsking(played),
    ...calleesLeft.map(callSid => ({ what: `first leg of ${callSid}`, expected: 'hung up', got: 'left on the line' }))
  ]
}

/** createCall is sent once for each order, whatever dies. */
function faultsOfCreateCall ({ recording, rest, asked }: Played): Fault[] {
  return recording.orders.flatMap(({ callSid, to }) => {
    const sent = rest.filter(({ method, path, body }) =>
      method === 'POST' && path === '/Calls' && isJson(body['to']) && body['to']['number'] === to)
    // Nobody was there to take the order.
    const caller = recording.transfers.find(({ personSid }) => personSid === callSid)?.callSid
    const ordered = asked.some(({ what, callSid: sid, status }) =>
      status !== 0 && ((what === 'order' && sid === callSid) || (what === 'transfer' && sid === caller)))
    if (sent.length === 1 || (sent.length === 0 && !ordered)) return []
    return [{ what: `createCall to ${to}`, expected: 'once', got: `${sent.length} times` }]
  })
}

/** feature-server cannot decline a leg that it made itself, and throws (servers.md A). */
function faultsOfDecline ({ recording, answered }: Played): Fault[] {
  const sids = new Set(recording.orders.map(({ callSid }) => callSid))
  return answered.flatMap(({ path, hook, verbs }) => {
    const isPlaced = sids.has(field(hook.body, 'parent_call_sid') ?? field(hook.body, 'call_sid') ?? '')
    if (!isPlaced || !verbs?.some(({ verb }) => verb === 'sip:decline')) return []
    return [{ what: `reply to ${path} at ${hook.at} ms`, expected: 'no sip:decline', got: 'one' }]
  })
}

/** Orders and hang-ups are taken; a hang-up may come when the call is over, or when its record was lost. */
function faultsOfAsking ({ asked, variant }: Played): Fault[] {
  return asked.flatMap(({ what, status, text }) => {
    if (what === 'complete' || what === 'cancel') return []
    const forgotten = variant.away?.store === 'lost' && status === 404
    const taken = status < 300 || (what === 'hang-up' && (status === 409 || forgotten))
    // What Jambonz never answered cannot be said to be placed.
    return taken || (what === 'order' && status === 504)
      ? []
      : [{ what, expected: 'taken', got: `${status} ${text.slice(0, 200)}` }]
  })
}

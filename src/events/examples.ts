import type { Publication } from '../calls/fold/publications.ts'
import type { CallEventPayload, EventData } from './event-schemas.ts'

/** The end of a call that was recorded on real servers. A test makes it again from the recording. */
export const ENDED: CallEventPayload = {
  v: 1,
  id: 'd3e72b5d-3d2c-4622-aca0-a3216ddd5219:call.ended',
  type: 'call.ended',
  timestamp: '2026-11-20T19:39:14.383Z',
  data: {
    callSid: 'd3e72b5d-3d2c-4622-aca0-a3216ddd5219',
    orderId: null,
    record: 1,
    reference: null,
    placedBy: null,
    direction: 'inbound',
    from: '+15550001111',
    to: '+15551230000',
    carrier: 'MyCarrier',
    route: null,
    agent: 'demo-agent',
    metadata: null,
    joins: null,
    times: {
      received: '2026-11-20T19:39:12.000Z',
      ringing: '2026-11-20T19:39:12.076Z',
      agentJoined: '2026-11-20T19:39:12.364Z',
      answered: '2026-11-20T19:39:12.469Z',
      connected: '2026-11-20T19:39:12.469Z',
      ended: '2026-11-20T19:39:14.383Z'
    },
    talkSeconds: 1.914,
    end: {
      cause: 'transferred',
      by: 'agent',
      waitingOn: 'none',
      sipStatus: null,
      summary: 'The agent transferred the caller after 1.9 s of talk.'
    },
    attempts: [
      {
        attempt: 1,
        strategy: 'room',
        room: 'jb_crrazoj65zdbvv3yjxx7etmhwcq',
        agent: 'demo-agent',
        number: null,
        degraded: false,
        cause: 'transferred',
        sipStatus: null,
        opened: '2026-11-20T19:39:12.000Z',
        answered: '2026-11-20T19:39:12.469Z',
        ended: '2026-11-20T19:39:14.383Z'
      }
    ],
    transfers: [
      {
        id: null,
        mode: 'refer',
        to: null,
        requestedBy: null,
        person: null,
        requested: '2026-11-20T19:39:14.381Z',
        finished: '2026-11-20T19:39:14.989Z',
        outcome: 'bridged',
        reason: 'completed',
        result: 'transferred',
        sipStatus: 200,
        returned: false
      }
    ],
    transfer: null,
    voicemail: null
  }
}

/** Nothing has happened to it yet. */
const BEGINNING: Partial<EventData> = {
  times: { ...nothing(ENDED.data.times), received: ENDED.data.times.received },
  talkSeconds: null,
  end: null,
  attempts: [],
  transfers: []
}

/** An example of each event. */
export const EVENT_EXAMPLES: Record<Publication, CallEventPayload> = {
  'call.started': exampleOf('call.started', ENDED.data.times.received, BEGINNING),
  'call.answered': exampleOf('call.answered', ENDED.data.times.answered, {
    times: { ...ENDED.data.times, ended: null },
    talkSeconds: null,
    end: null,
    attempts: ENDED.data.attempts.map(attempt => ({ ...attempt, cause: null, ended: null })),
    transfers: []
  }),
  'call.transfer_finished': exampleOf('call.transfer_finished', ENDED.data.transfers[0]!.finished, {
    transfer: ENDED.data.transfers[0]!
  }),
  'call.ended': ENDED,
  'call.dial_finished': exampleOf('call.dial_finished', ENDED.data.times.ended, {
    direction: 'outbound',
    orderId: 'order-5b1f0c52-3d0e-4d2b-9a57-6f0c3c1f6a11',
    reference: 'order-4711',
    placedBy: 'shop',
    metadata: '{"customer":42}',
    from: ENDED.data.to,
    to: ENDED.data.from,
    transfers: [],
    voicemail: { verdict: 'human', by: 'agent', at: ENDED.data.times.answered, reason: null },
    end: {
      cause: 'agent-hung-up',
      by: 'agent',
      waitingOn: 'none',
      sipStatus: null,
      summary: "The agent's side hung up after 1.9 s of talk."
    },
    attempts: ENDED.data.attempts.map(attempt => ({ ...attempt, cause: 'agent-hung-up' }))
  })
}

function exampleOf (type: Publication, timestamp: string | null, data: Partial<EventData>): CallEventPayload {
  const id = `${ENDED.data.callSid}:${type}`
  return { ...ENDED, id, type, timestamp: timestamp!, data: { ...ENDED.data, ...data } }
}

function nothing <T extends object> (times: T): Record<keyof T, null> {
  return Object.fromEntries(Object.keys(times).map(name => [name, null])) as Record<keyof T, null>
}

/*
 * A probe to LiveKit, as far as it has come.
 */

/** @import { Picture } from './call-types.js' */
/** @import { ProbeResult, ProbeRow } from './view-types.js' */

/** @typedef {{ rows: ProbeRow[], result?: ProbeResult }} Probe rows in the order of `seq` */

/** @type {Probe} */
export const NO_PROBE = { rows: [] }

/**
 * The probe after an event of its stream. A row that comes again replaces the earlier one.
 * @param {Probe} probe
 * @param {string} event
 * @param {any} data
 * @returns {Probe}
 */
export function afterProbeEvent (probe, event, data) {
  if (event === 'result') return { ...probe, result: data }
  if (event !== 'step') return probe
  const others = probe.rows.filter(({ seq }) => seq !== data.seq)
  return { ...probe, rows: [...others, data].sort((one, other) => one.seq - other.seq) }
}

/**
 * The body of POST /probe, without what was left empty.
 * @param {{ agent: string, transport: string, seconds: string }} form
 */
export function probeRequest ({ agent, transport, seconds }) {
  return {
    ...(agent.trim() === '' ? {} : { agent: agent.trim() }),
    ...(transport === '' ? {} : { transport }),
    ...(seconds.trim() === '' ? {} : { seconds: Number(seconds) })
  }
}

/** The lifelines of a probe, from left to right. */
const PARTIES = ['bridge', 'livekit', 'agent']

/**
 * A probe as the ladder of a call is drawn from: a call without events of its own.
 * @param {ProbeRow[]} rows not empty
 * @param {boolean} isRunning
 * @returns {Picture}
 */
export function pictureOf (rows, isRunning) {
  const used = new Set(rows.flatMap(({ from, to }) => [from, to]))
  const others = [...used].filter(party => !PARTIES.includes(party))
  const start = rows[0]?.at ?? ''
  return {
    ladder: { callSid: 'probe', start, parties: [...others, ...PARTIES.filter(party => used.has(party))], rows },
    call: {
      callSid: 'probe',
      direction: 'inbound',
      phase: isRunning ? 'dialing' : 'ended',
      from: '',
      to: '',
      degraded: false,
      attempts: [],
      at: { received: start },
      duties: [],
      events: [],
      eventsDropped: 0,
      earlier: []
    },
    diagnosis: {
      callSid: 'probe',
      waitingOn: 'none',
      severity: 'ok',
      summary: '',
      evidence: [],
      answers: [],
      nextSteps: [],
      notToldApart: [],
      earlierAttempts: []
    }
  }
}

/** @type {[name: keyof ProbeResult['timings'], words: string][]} */
const TIMINGS = [
  ['createRoom', 'room made'],
  ['firstResponse', 'first response'],
  ['ringing', 'ringing'],
  ['agentJoined', 'agent joined'],
  ['agentAudio', 'agent audio published'],
  ['answered', 'answered'],
  ['audio', 'audio heard']
]

/**
 * How long each part took, in the order in which they usually come.
 * @param {ProbeResult['timings']} timings
 * @returns {{ words: string, ms: number }[]}
 */
export const timingsInWords = timings => TIMINGS.flatMap(([name, words]) => {
  const ms = timings[name]
  return ms === undefined ? [] : [{ words, ms: Math.round(ms) }]
})

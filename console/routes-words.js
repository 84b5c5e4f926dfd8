/*
 * Routes in words: their conditions and ways as the file writes them, and ways as a test returns them.
 */

/** @typedef {{ name: string, words: string }} Part one condition, or one thing that is said of a way */

/** One value of the file, or several. @param {unknown} value @returns {unknown[]} */
const several = value => Array.isArray(value) ? value : [value]

/** @param {unknown} value */
const inWords = value => typeof value === 'string' ? value : JSON.stringify(value)

/** @param {unknown} value of a condition: one of several is enough */
const oneOf = value => several(value).map(inWords).join(' or ')

/**
 * The conditions of a route, all of which must hold.
 * @param {Record<string, any>} [when]
 * @returns {Part[]} empty: the route takes every call
 */
export function conditionsInWords (when = {}) {
  return Object.entries(when).flatMap(([name, value]) => {
    if (name === 'hours') return [{ name, words: hoursInWords(value) }]
    if (name !== 'header') return [{ name, words: oneOf(value) }]
    return Object.entries(value).map(([header, values]) => ({ name: header, words: oneOf(values) }))
  })
}

/** @param {{ zone?: string, in?: unknown, not?: unknown }} hours */
function hoursInWords ({ zone, in: within, not }) {
  const parts = [within === undefined ? '' : oneOf(within), not === undefined ? '' : `not ${oneOf(not)}`]
  return `${parts.filter(Boolean).join(', ')} (${zone})`
}

/** What a way of the file is said to be by, in the order of docs/routes.md. */
const KINDS = ['agent', 'agents', 'phone', 'retell', 'sip', 'say', 'play', 'decline', 'carrier']

/**
 * A way as the file writes it.
 * @param {Record<string, any>} way
 * @returns {{ kind: string, words: string, more: Part[] }} `more`: what else is said of it
 */
export function writtenWay (way) {
  const kind = KINDS.find(kind => Object.hasOwn(way, kind)) ?? ''
  const { [kind]: value, ...others } = way
  return { kind, words: targetInWords(kind, value), more: partsOf(others) }
}

/** @param {string} kind @param {any} value */
function targetInWords (kind, value) {
  if (kind === 'agent') return value === null ? 'of the application' : inWords(value)
  if (kind === 'agents') {
    return value.map(weightedInWords).join(', ')
  }
  if (kind === 'retell') return [value.agent, value.version && `version ${value.version}`].filter(Boolean).join(', ')
  return inWords(value ?? '')
}

/** @param {{ agent: string, weight: number, warm?: any }} weighted */
function weightedInWords ({ agent, weight, warm }) {
  return `${agent} (weight ${weight}${warm === undefined ? '' : `, warm ${warmInWords(warm)}`})`
}

/**
 * How many rooms are kept ready, as the file writes it or a test returns it.
 * @param {number | { min: number, max?: number }} warm
 */
export function warmInWords (warm) {
  if (typeof warm === 'number') return String(warm)
  const { min, max = min } = warm
  return min === max ? String(min) : `${min} to ${max}`
}

/** @param {object} others @returns {Part[]} */
const partsOf = others => Object.entries(others).map(([name, value]) => ({
  name,
  words: name === 'warm' ? warmInWords(value) : inWords(value)
}))

/**
 * A way as a test returns it.
 * @param {Record<string, any>} way
 * @returns {{ kind: string, words: string, more: Part[] }}
 */
export function triedWay (way) {
  const { strategy, ringS: _ring, ...parts } = way
  const [kind, name] = /** @type {[string, string]} */ ({
    room: ['agent', 'agent'],
    phone: ['phone', 'number'],
    carrier: ['carrier', 'carrier'],
    retell: ['retell', 'agent'],
    sip: ['sip', 'uri'],
    say: ['say', 'text'],
    play: ['play', 'url'],
    decline: ['decline', 'status']
  }[/** @type {string} */ (strategy)] ?? [strategy, ''])
  const { [name]: target, ...others } = parts
  return { kind, words: inWords(target ?? ''), more: partsOf(others) }
}

/**
 * Where in the file a problem is: `routes.yaml:14:7`, as editors read it. Of the file as a whole only its name.
 * @param {string} file
 * @param {{ line: number, column: number }} problem
 */
export const placeIn = (file, { line, column }) => line === 0 ? file : `${file}:${line}:${column}`

/**
 * What a test of routes is asked with.
 * @typedef {object} TrialForm
 * @property {string} to
 * @property {string} from
 * @property {string} at as `datetime-local` has it; empty: now
 * @property {string} direction
 * @property {string} carrier
 * @property {string} application
 * @property {string} headers one `Name: value` a line
 */

/** @type {TrialForm} */
export const EMPTY_TRIAL = { to: '', from: '', at: '', direction: '', carrier: '', application: '', headers: '' }

/**
 * The body of the request, without what was left empty. Times are in the zone of this device.
 * @param {TrialForm} form
 */
export function trialRequest ({ at, headers, ...texts }) {
  const pairs = Object.entries(texts).map(([name, text]) => [name, text.trim()]).filter(([, text]) => text !== '')
  const named = headersOf(headers)
  return {
    ...Object.fromEntries(pairs),
    ...(at === '' ? {} : { at: new Date(at).toISOString() }),
    ...(Object.keys(named).length === 0 ? {} : { headers: named })
  }
}

/**
 * Headers, one a line: `X-Tenant: acme`. A line without a colon names a header that is present and empty.
 * @param {string} text
 * @returns {Record<string, string>}
 */
export function headersOf (text) {
  const lines = text.split('\n').map(line => line.trim()).filter(line => line !== '')
  return Object.fromEntries(lines.map(line => {
    const [, name = '', value = ''] = /^([^:]*):?(.*)$/.exec(line) ?? []
    return [name.trim(), value.trim()]
  }))
}

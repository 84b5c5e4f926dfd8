/*
 * An order of a call: from the form to the request, and what a refusal means.
 */

import { ApiError } from './api.js'

/**
 * @typedef {object} OrderForm what stands in the fields
 * @property {string} to
 * @property {string} from
 * @property {string} agent
 * @property {string} metadata a text, or a JSON object
 * @property {string} reference
 * @property {string} carrier
 * @property {string} callerName
 * @property {string} ring seconds
 * @property {string} longest seconds
 * @property {string} voicemail
 * @property {string} onMachine
 */

/** @type {OrderForm} */
export const EMPTY_ORDER = {
  to: '',
  from: '',
  agent: '',
  metadata: '',
  reference: '',
  carrier: '',
  callerName: '',
  ring: '',
  longest: '',
  voicemail: '',
  onMachine: ''
}

/**
 * The body of POST /calls, without what was left empty.
 * @param {OrderForm} form
 * @returns {Record<string, unknown>}
 */
export function orderRequest ({ metadata, ring, longest, ...texts }) {
  const pairs = Object.entries(texts).map(([name, text]) => [name, text.trim()])
  return Object.fromEntries([
    ...pairs,
    ['metadata', metadataOf(metadata)],
    ['ring', secondsOf(ring)],
    ['longest', secondsOf(longest)]
  ].filter(([, value]) => value !== '' && value !== undefined))
}

/** A JSON object is sent as one, so that the agent gets it without quotes around it. @param {string} text */
function metadataOf (text) {
  const trimmed = text.trim()
  try {
    const value = JSON.parse(trimmed)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : trimmed
  } catch {
    return trimmed
  }
}

/** What is not a number is sent as it is, so that the bridge says what belongs there. @param {string} text */
const secondsOf = text => /^\d+$/.test(text.trim()) ? Number(text) : text.trim()

/**
 * Keys that make sure that an order is placed once, however often it is sent: the same order has the same key until
 * its fate is known.
 */
export function createOrderKeys (make = randomKey) {
  /** @type {{ body: string, key: string } | undefined} */
  let open

  return {
    /** @param {object} request */
    keyOf (request) {
      const body = JSON.stringify(request)
      if (open?.body !== body) open = { body, key: make() }
      return open.key
    },
    /** The fate of the order is known: the same order once more is another call. */
    settled () {
      open = undefined
    }
  }
}

/** `crypto.randomUUID` is there only on https and localhost. */
function randomKey () {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return `console-${[...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('')}`
}

/** @type {Record<string, string>} */
const HINTS = {
  BRIDGE_UNKNOWN_CARRIER: 'Write the carrier as Jambonz spells it.',
  BRIDGE_CARRIER_NEEDED: 'Name a carrier under “More”, or set OUTBOUND_CARRIER of the bridge.',
  BRIDGE_NUMBER_REFUSED: 'Routes shows the number policy in force.',
  BRIDGE_OWN_NUMBER: 'Call a number that is not under `numbers` in the routes file.',
  BRIDGE_FROM_NOT_OURS: 'Choose one of the numbers that are offered.',
  BRIDGE_OUTBOUND_NOT_CONFIGURED: 'Doctor shows what is missing.',
  BRIDGE_JAMBONZ_REFUSED: 'Doctor checks the Jambonz application.',
  BRIDGE_JAMBONZ_UNREACHABLE: 'Check JAMBONZ_REST_API_BASE_URL of the bridge.',
  BRIDGE_STORE_UNAVAILABLE: 'Check Redis.',
  BRIDGE_VIEWERS_LOOK_ONLY: 'Sign in with a token of OPERATOR_TOKEN.'
}

const NOT_KNOWN = 'Whether somebody is called is not known.'
const SAME_KEY = 'The page sends the same order with the same key, so to send it again places no second call.'

/**
 * What an error of POST /calls means.
 * @param {unknown} error
 * @returns {{ title: string, message: string, code?: string, hint?: string, isSettled: boolean, callSid?: string }}
 *   `isSettled`: nobody was called. `callSid`: under which what becomes of the order is found
 */
export function refusalOf (error) {
  if (!(error instanceof ApiError)) {
    return { title: NOT_KNOWN, message: String(error), hint: SAME_KEY, isSettled: false }
  }

  const { message, code, status, body } = error
  if (code === 'BRIDGE_PLACEMENT_UNKNOWN') {
    return { title: NOT_KNOWN, message, code, hint: SAME_KEY, isSettled: false, callSid: body?.callSid }
  }
  if (code === 'BRIDGE_IDEMPOTENCY_UNDER_WAY') {
    return { title: 'The order is still being placed.', message, code, hint: SAME_KEY, isSettled: false }
  }
  // An answer that is not the bridge's own proves nothing: a proxy may have given up on it.
  const isOwn = code.startsWith('BRIDGE_') && code !== 'BRIDGE_INTERNAL_ERROR'
  if (!isOwn && (status === 0 || status >= 500)) {
    return { title: NOT_KNOWN, message, code, hint: SAME_KEY, isSettled: false }
  }
  return { title: 'Nobody was called.', message, code, hint: HINTS[code], isSettled: true }
}

import { createRequire } from 'node:module'
import type { Hook } from './hooks.ts'

/** One verb of a reply. The validator guarantees its shape. */
export interface Verb {
  verb: string
  id?: string
  [property: string]: unknown
}

export interface DialTarget {
  type: string
  sipUri?: string
  number?: string
  trunk?: string
  auth?: { username: string, password: string }
  headers?: Record<string, string>
  /** Overrides the one of the dial. */
  confirmHook?: Hook
}

export interface DialVerb extends Verb {
  target: DialTarget[]
  actionHook?: Hook
  referHook?: Hook
  answerOnBridge?: boolean
  /** Asked when the target has answered. Its verbs run there before the caller is connected. */
  confirmHook?: Hook
  callerId?: string
  callerName?: string
  headers?: Record<string, string>
  /** Seconds to ring; by default 60. */
  timeout?: number
  /** Seconds that the call may last after the answer. */
  timeLimit?: number
  tag?: unknown
}

export interface SayVerb extends Verb {
  text: string | string[]
  earlyMedia?: boolean
}

export interface PlayVerb extends Verb {
  url: string | string[]
  earlyMedia?: boolean
}

/** The properties of a gather that collects digits. */
export interface GatherVerb extends Verb {
  actionHook?: Hook
  numDigits?: number
  minDigits?: number
  maxDigits?: number
  finishOnKey?: string
  /** Seconds without a digit; by default 15, and 0 for no limit. */
  timeout?: number
  /** Seconds between two digits. It counts only with `minDigits`. */
  interDigitTimeout?: number
  listenDuringPrompt?: boolean
  dtmfBargein?: boolean
  play?: Pick<PlayVerb, 'url'>
  say?: Pick<SayVerb, 'text'>
}

export interface RedirectVerb extends Verb {
  actionHook: Hook
}

export interface ReferVerb extends Verb {
  referTo: string
  referredBy?: string
  headers?: Record<string, string>
  actionHook?: Hook
  eventHook?: Hook
}

/**
 * A verb failed, and Jambonz goes on with the next one (feature-server `NonFatalTaskError` and bad preconditions).
 * After any other error that a verb throws, no verb runs any more.
 */
export class NonFatalError extends Error {}

/** Turns a reply's body into verbs. Throws with the message of Jambonz's own validator. */
export type ParseVerbs = (body: unknown) => Verb[]

interface VerbSpecifications {
  normalizeJambones(logger: object, body: unknown): Record<string, Record<string, unknown>>[]
  validate(logger: object, body: unknown): void
}

const quiet = { info () {}, debug () {}, error () {}, warn () {} }

/**
 * Loads the validator that the feature server runs on every reply, so that a reply that passes here passes there. Only
 * a double needs it, so production never loads it.
 *
 * @throws {Error} when `@jambonz/verb-specifications` is not installed
 */
export function loadVerbParser (): ParseVerbs {
  let specs: VerbSpecifications
  try {
    specs = createRequire(import.meta.url)('@jambonz/verb-specifications') as VerbSpecifications
  } catch (error) {
    throw new Error(
      'The Jambonz double needs the package @jambonz/verb-specifications. Install the development ' +
        'dependencies with: npm ci --include=dev',
      { cause: error }
    )
  }
  return body => {
    // Normalizing turns `{ verb: 'dial', … }` into the keyed form `{ dial: {…} }`. A reply may contain either form.
    const keyed = specs.normalizeJambones(quiet, body)
    specs.validate(quiet, keyed)
    return keyed.flatMap(one => Object.entries(one).map(([verb, properties]) => ({ ...properties, verb })))
  }
}

/** The verbs to run, or undefined when there are none and Jambonz continues with the remaining ones. */
export function nonEmpty (verbs: Verb[]): Verb[] | undefined {
  return verbs.length > 0 ? verbs : undefined
}

/**
 * The verbs as a ladder shows them: `dial sip:c3f…@host, sip:decline 480`. The user part is a secret, so only its
 * beginning is shown.
 */
export function describeVerbs (verbs: readonly Verb[]): string {
  return verbs.length === 0 ? '[]' : verbs.map(describeVerb).join(', ')
}

function describeVerb (verb: Verb): string {
  if (verb.verb === 'dial') {
    const target = (verb as DialVerb).target?.[0]
    if (target?.type === 'phone') return `dial ${shorten(target.number ?? '')}`
    return `dial ${shortUri(target?.sipUri ?? '')}`
  }
  if (verb.verb === 'sip:decline') return `sip:decline ${String(verb.status)}`
  if (verb.verb === 'sip:refer') return `sip:refer ${shorten(String(verb.referTo))}`
  return verb.verb
}

/** `sip:c3fab…@host:5060;transport=tcp` → `sip:c3f…@host:5060`. */
export function shortUri (uri: string): string {
  const [, scheme = 'sip', user = '', host = ''] = /^(sips?):([^@]*)@([^;?]+)/.exec(uri) ?? []
  return host === '' ? uri : `${scheme}:${shorten(user)}@${host}`
}

function shorten (secret: string): string {
  return secret.length > 5 ? secret.slice(0, 3) + '…' : secret
}

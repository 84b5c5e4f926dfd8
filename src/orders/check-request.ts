import { OrderBodyError } from '../errors.ts'
import { nearest } from '../routing/file/nearest.ts'
import { EXPECTED, LARGEST_METADATA, OrderRequestSchema, type OrderRequest } from './order-request.ts'

/*
 * What a schema cannot say of the body of an order, and the words for what is wrong with one.
 */

const KNOWN = Object.keys(OrderRequestSchema.properties)
const EXAMPLE = '{"to": "+15550001111"}'

/** A problem that the schema found, as Ajv says it. */
export interface SchemaProblem {
  keyword: string
  instancePath: string
  params: Record<string, unknown>
}

/** Says what is wrong with a body that does not fit the schema. */
export function bodyProblem ({ keyword, instancePath, params }: SchemaProblem): string {
  if (keyword === 'additionalProperties') return unknownProperty(String(params['additionalProperty']))
  if (keyword === 'required') return `to is missing: the number of the callee. Example: ${EXAMPLE}`
  const [, name = ''] = instancePath.split('/')
  return isKnown(name) ? notExpected(name) : `The body must be a JSON object. Example: ${EXAMPLE}`
}

const isKnown = (name: string): name is keyof OrderRequest => Object.hasOwn(EXPECTED, name)
const notExpected = (name: keyof OrderRequest): string => `${name} must be ${EXPECTED[name]}.`

const LONGEST_SHOWN = 40

function unknownProperty (name: string): string {
  const shown = JSON.stringify(name.slice(0, LONGEST_SHOWN))
  const meant = nearest(name.slice(0, LONGEST_SHOWN), KNOWN)
  return `${shown} is not known. ${meant === undefined ? `Known are ${KNOWN.join(', ')}.` : `Did you mean ${meant}?`}`
}

/** Control characters, line separators, and marks that turn the direction of a text. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u

/**
 * Checks what the schema cannot.
 * @throws {OrderBodyError}
 */
export function checkRequest (request: OrderRequest): void {
  // What `to` and `from` mean, the number policy reads in its own way.
  for (const name of ['agent', 'carrier', 'callerName', 'reference'] as const) checkText(name, request[name])
  checkMetadata(request.metadata)
  for (const [name, value] of Object.entries(request.headers ?? {})) checkHeader(name, value)
  if (request.callerName !== undefined && /["\\<>]/.test(request.callerName)) {
    throw new OrderBodyError('callerName must not have ", \\, < or >.')
  }
  if (request.notAfter !== undefined && Number.isNaN(Date.parse(request.notAfter))) {
    throw new OrderBodyError(notExpected('notAfter'))
  }
  if (request.onMachine === 'hangup' && (request.voicemail ?? 'off') === 'off') {
    throw new OrderBodyError('onMachine needs voicemail: nobody would find out whether a machine answered.')
  }
}

function checkText (name: keyof OrderRequest, text: string | undefined): void {
  if (text === undefined) return
  // Half a character has no form in UTF-8, so nobody would get the text that was sent.
  if (!isWellFormed(text)) throw new OrderBodyError(`${name} has half a character (a lone surrogate).`)
  if (UNPRINTABLE.test(text)) throw new OrderBodyError(`${name} has a control character.`)
}

/** `String.prototype.isWellFormed`, which the types of ES2023 do not have. */
const isWellFormed = (text: string): boolean => !/\p{Cs}/u.test(text)

/** Deepest nesting of `metadata`. */
const DEEPEST = 32

function checkMetadata (metadata: OrderRequest['metadata']): void {
  checkDepth(metadata, DEEPEST)
  const text = metadataText(metadata)
  if (text !== undefined && text.length > LARGEST_METADATA) throw new OrderBodyError(notExpected('metadata'))
  if (typeof metadata === 'string' && !isWellFormed(metadata)) {
    throw new OrderBodyError('metadata has half a character (a lone surrogate).')
  }
}

/** Writing JSON may take as many frames of the stack as the value is deep. */
function checkDepth (value: unknown, deepest: number): void {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new OrderBodyError('metadata has a number that is too large. Write it as a text.')
  }
  if (typeof value !== 'object' || value === null) return
  if (deepest === 0) throw new OrderBodyError(`metadata is nested deeper than ${DEEPEST} levels.`)
  for (const part of Object.values(value)) checkDepth(part, deepest - 1)
}

/** The metadata as the agent gets it: a text as it is, anything else as JSON. */
export const metadataText = (metadata: OrderRequest['metadata']): string | undefined =>
  metadata === undefined || typeof metadata === 'string' ? metadata : JSON.stringify(metadata)

const HEADER_NAME = /^X-[A-Za-z0-9-]{1,62}$/i

/** What Jambonz tells itself by: sbc-outbound obeys these, and feature-server sends them (lib/http-routes). */
const JAMBONZ_HEADERS = new RegExp(
  '^X-(' + [
    ...['Account-Sid', 'Application-Sid', 'Authenticated-User', 'Call-Limit', 'Call-Sid', 'CID', 'Jambonz-.*'],
    ...['MS-Teams-.*', 'Originating-.*', 'Override-To', 'Preferred-From-.*', 'Reason', 'Record-.*', 'Refer-To-.*'],
    ...['Requested-.*', 'Retain-Call-Sid', 'Service-Provider-Sid', 'SIP-Proxy', 'Srs-.*', 'Subspace-.*', 'Trace-ID'],
    ...['Voip-Carrier-Sid']
  ].join('|') + ')$',
  'i'
)

function checkHeader (name: string, value: string): void {
  const shown = JSON.stringify(name.slice(0, LONGEST_SHOWN))
  if (!HEADER_NAME.test(name)) {
    throw new OrderBodyError(`headers: ${shown} is not the name of an X- header of at most 64 letters, digits and -.`)
  }
  if (JAMBONZ_HEADERS.test(name)) throw new OrderBodyError(`headers: Jambonz uses ${shown} itself.`)
  if (UNPRINTABLE.test(value) || !isWellFormed(value)) {
    throw new OrderBodyError(`headers: the value of ${shown} has a line break or another character no header may have.`)
  }
}

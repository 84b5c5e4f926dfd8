import { createBodyProblem } from '../body-problems.ts'
import { OrderBodyError } from '../errors.ts'
import { encodingProblem, headersProblem, lineProblem } from '../request-texts.ts'
import { EXPECTED, LARGEST_METADATA, type OrderRequest } from './order-request.ts'

/*
 * What a schema cannot say of the body of an order, and the words for what is wrong with one.
 */

/** Says what is wrong with a body that does not fit the schema. */
export const bodyProblem = createBodyProblem({
  expected: EXPECTED,
  required: { to: 'the number of the callee' },
  example: '{"to": "+15550001111"}'
})

const notExpected = (name: keyof OrderRequest): string => `${name} must be ${EXPECTED[name]}.`

/**
 * Checks what the schema cannot.
 * @throws {OrderBodyError}
 */
export function checkRequest (request: OrderRequest): void {
  // What `to` and `from` mean, the number policy reads in its own way.
  for (const name of ['agent', 'carrier', 'callerName', 'reference'] as const) checkText(name, request[name])
  checkMetadata(request.metadata)
  const problem = headersProblem(request.headers)
  if (problem !== undefined) throw new OrderBodyError(problem)
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
  const problem = text === undefined ? undefined : lineProblem(text)
  if (problem !== undefined) throw new OrderBodyError(`${name} has ${problem}.`)
}

/** Deepest nesting of `metadata`. */
const DEEPEST = 32

function checkMetadata (metadata: OrderRequest['metadata']): void {
  checkDepth(metadata, DEEPEST)
  const text = metadataText(metadata)
  if (text !== undefined && text.length > LARGEST_METADATA) throw new OrderBodyError(notExpected('metadata'))
  const problem = typeof metadata === 'string' ? encodingProblem(metadata) : undefined
  if (problem !== undefined) throw new OrderBodyError(`metadata has ${problem}.`)
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

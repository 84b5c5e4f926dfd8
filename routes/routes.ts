import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifySchemaValidationError } from 'fastify'
import { RoutesTrialError } from '../src/errors.ts'
import { getRoutesSchema, RoutesTrialRequestSchema, testRoutesSchema, type RoutesView } from '../src/routes-schemas.ts'
import { nearest } from '../src/routing/file/nearest.ts'
import type { RoutesSource } from '../src/routing/routes.ts'
import { TrialError, tryRoutes } from '../src/routing/trial.ts'

/** Largest question, bytes. */
const LARGEST_QUESTION = 32 * 1024

/** The operator API about routes: those in force, and what they would make of a call. */
const routes: FastifyPluginAsyncTypebox = async fastify => {
  const { settings, secretOf, clock, routesFile } = fastify
  const view = viewOnce(routesFile)

  fastify.get('/routes', {
    config: { operation: 'get-routes' },
    schema: getRoutesSchema
  }, async () => view())

  fastify.post('/routes/test', {
    config: { operation: 'test-routes', changesNothing: true },
    schema: testRoutesSchema,
    bodyLimit: LARGEST_QUESTION,
    schemaErrorFormatter: ([error]) => new RoutesTrialError(whatIsWrong(error!))
  }, async request => {
    try {
      return tryRoutes(request.body, { table: routesFile.table, settings, secretOf, now: clock.now() })
    } catch (error) {
      throw error instanceof TrialError ? new RoutesTrialError(`${error.field}: ${error.message}`) : error
    }
  })
}

/** Makes the view of the routes in force, once for each reading: its file may be long. */
function viewOnce (source: RoutesSource): () => RoutesView {
  let made: Omit<RoutesView, 'file' | 'problems'> | undefined
  let of: RoutesSource['table'] | undefined

  return () => {
    const { table, written, file, readAt, problems } = source
    if (of !== table) {
      made = {
        // Without a file there are only names.
        routes: [...written ?? table.names.map(name => ({ name }))],
        ...(file === undefined ? {} : { readAt: new Date(readAt).toISOString(), ...policyOf(table) })
      }
      of = table
    }
    return { file, ...made!, problems: [...problems] }
  }
}

/** Who may be dialled, and as whom. */
const policyOf = ({ agent, country, numbers, policy }: RoutesSource['table']) => ({
  agent,
  country,
  numbers: [...numbers],
  policy: policy && {
    allow: [...policy.allow],
    deny: [...policy.deny],
    sip: [...policy.sip],
    caps: policy.caps
  }
})

const KNOWN = Object.keys(RoutesTrialRequestSchema.properties)
const EXAMPLE = '{"to": "+15551230000"}'

/** What is wrong with a body, with the name of what is meant. */
function whatIsWrong ({ keyword, instancePath, message, params }: FastifySchemaValidationError): string {
  const name = instancePath.split('/')[1]
  if (keyword === 'required') return `to is missing: the called number. Example: ${EXAMPLE}`
  if (keyword === 'additionalProperties') {
    const unknown = String(params['additionalProperty']).slice(0, 40)
    const meant = nearest(unknown, KNOWN)
    const hint = meant === undefined ? `Known are ${KNOWN.join(', ')}` : `Did you mean ${meant}?`
    return `${JSON.stringify(unknown)} is not known. ${hint}`
  }
  if (name === undefined) return `The body must be a JSON object. Example: ${EXAMPLE}`
  const allowed = Array.isArray(params['allowedValues']) ? `: ${params['allowedValues'].join(' or ')}` : ''
  return `${name} ${message ?? 'is wrong'}${allowed}`
}

export default routes

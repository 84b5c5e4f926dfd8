import AjvCompiler from '@fastify/ajv-compiler'
import fp from 'fastify-plugin'
import { ActionSchema, CallHookSchema, ReferCompleteSchema, ReferSchema, StatusSchema } from '../src/jambonz/payloads.ts'
import { DeclineSchema, DialSchema, HangupSchema, SipReferSchema, VerbsSchema } from '../src/jambonz/verbs.ts'
import { VIEW_SCHEMAS } from '../src/calls/view.ts'

/** Holds every shared schema under its `$id`; routes refer to them. */
export default fp(async fastify => {
  for (const schema of [
    CallHookSchema, StatusSchema, ActionSchema, ReferSchema, ReferCompleteSchema,
    DialSchema, DeclineSchema, SipReferSchema, HangupSchema, VerbsSchema,
    ...VIEW_SCHEMAS
  ]) fastify.addSchema(schema)
}, { name: 'schema-validation' })

/**
 * Bodies are taken exactly as they are: nothing coerced, nothing removed, no default filled in. Query strings and path
 * parameters are text and have to be coerced.
 */
export function buildValidator (...[schemas, options]: Parameters<AjvCompiler.BuildCompilerFromPool>) {
  const strict = compileStrict(schemas, { ...options, customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false } } as typeof options)
  const text = compileText(schemas, { ...options, customOptions: { coerceTypes: true, removeAdditional: false, useDefaults: true, allErrors: false } } as typeof options)
  return ((route: AjvCompiler.RouteDefinition) => (route.httpPart === 'body' ? strict : text)(route as never)) as ReturnType<AjvCompiler.BuildCompilerFromPool>
}

/** One of each for the process: it remembers what it compiled, and two instances of the service share that. */
const compileStrict = AjvCompiler()
const compileText = AjvCompiler()

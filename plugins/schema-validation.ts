import AjvCompiler from '@fastify/ajv-compiler'
import SerializerCompiler from '@fastify/fast-json-stringify-compiler'
import fp from 'fastify-plugin'
import {
  ActionSchema,
  CallHookSchema,
  ReferCompleteSchema,
  ReferSchema,
  StatusSchema
} from '../src/jambonz/payloads.ts'
import { DeclineSchema, DialSchema, HangupSchema, SipReferSchema, VerbsSchema } from '../src/jambonz/verbs.ts'
import { VIEW_SCHEMAS } from '../src/calls/view.ts'

/** Holds every shared schema under its `$id`; routes refer to them. */
export default fp(async fastify => {
  for (
    const schema of [
      CallHookSchema,
      StatusSchema,
      ActionSchema,
      ReferSchema,
      ReferCompleteSchema,
      DialSchema,
      DeclineSchema,
      SipReferSchema,
      HangupSchema,
      VerbsSchema,
      ...VIEW_SCHEMAS
    ]
  ) fastify.addSchema(schema)
}, { name: 'schema-validation' })

/**
 * Bodies are taken exactly as they are: nothing coerced, nothing removed, no default filled in. Query strings and path
 * parameters are text and have to be coerced.
 */
export function buildValidator (...[schemas, options]: Parameters<AjvCompiler.BuildCompilerFromPool>) {
  const strict = compileStrict(
    schemas,
    {
      ...options,
      customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false }
    } as typeof options
  )
  const text = compileText(
    schemas,
    {
      ...options,
      customOptions: { coerceTypes: true, removeAdditional: false, useDefaults: true, allErrors: false }
    } as typeof options
  )
  return ((route: AjvCompiler.RouteDefinition) =>
    (route.httpPart === 'body' ? strict : text)(route as never)) as ReturnType<AjvCompiler.BuildCompilerFromPool>
}

/**
 * Error replies are the same on most routes, and all of this is most of the time that a start takes: each reply is
 * compiled once.
 */
export function buildSerializer (
  ...[schemas, options]: Parameters<SerializerCompiler.SerializerFactory>
): SerializerCompiler.SerializerCompiler {
  const compile = createSerializer(schemas, options)
  const place = JSON.stringify(schemas)
  return route => {
    const key = `${place}\n${JSON.stringify(route.schema)}`
    const serializer = serializers.get(key) ?? compile(route)
    serializers.set(key, serializer)
    return serializer
  }
}

/** One of each for the process: they remember what they compiled, and two instances of the service share that. */
const compileStrict = AjvCompiler()
const compileText = AjvCompiler()
const createSerializer = SerializerCompiler()
const serializers = new Map<string, SerializerCompiler.Serializer>()

import AjvCompiler from '@fastify/ajv-compiler'
import SerializerCompiler from '@fastify/fast-json-stringify-compiler'
import fp from 'fastify-plugin'
import {
  ActionSchema,
  AmdSchema,
  CallHookSchema,
  ReferCompleteSchema,
  ReferSchema,
  StatusSchema
} from '../src/jambonz/payloads.ts'
import { RedirectHookSchema, ScreenDigitSchema, ScreenSchema } from '../src/jambonz/transfer-payloads.ts'
import {
  ConfigSchema,
  DeclineSchema,
  DialSchema,
  GatherSchema,
  HangupSchema,
  PauseSchema,
  PlaySchema,
  RedirectSchema,
  SaySchema,
  SipReferSchema,
  VerbsSchema
} from '../src/jambonz/verbs.ts'
import { VIEW_SCHEMAS } from '../src/calls/view.ts'
import { DTMF_SCHEMAS } from '../src/dtmf-schemas.ts'
import { VoicemailVerdictSchema } from '../src/operator-schemas.ts'
import { ORDER_SCHEMAS } from '../src/orders/order-request.ts'
import { TransferBodySchema } from '../src/transfers/transfer-body.ts'
import { EVENT_SCHEMAS } from '../src/events/event-schemas.ts'
import { PendingEventSchema } from '../src/events/pending-view.ts'
import { ROUTES_SCHEMAS } from '../src/routes-schemas.ts'

/** Holds every shared schema under its `$id`; routes refer to them. */
export default fp(async fastify => {
  for (
    const schema of [
      CallHookSchema,
      StatusSchema,
      ActionSchema,
      ReferSchema,
      ReferCompleteSchema,
      AmdSchema,
      RedirectHookSchema,
      ScreenSchema,
      ScreenDigitSchema,
      DialSchema,
      GatherSchema,
      ConfigSchema,
      DeclineSchema,
      SipReferSchema,
      SaySchema,
      PlaySchema,
      RedirectSchema,
      HangupSchema,
      PauseSchema,
      VerbsSchema,
      ...VIEW_SCHEMAS,
      VoicemailVerdictSchema,
      ...DTMF_SCHEMAS,
      ...ORDER_SCHEMAS,
      TransferBodySchema,
      ...ROUTES_SCHEMAS,
      ...EVENT_SCHEMAS,
      PendingEventSchema
    ]
  ) fastify.addSchema(schema)
}, { name: 'schema-validation' })

/**
 * Bodies are taken exactly as they are: nothing coerced, nothing removed, no default filled in. Query strings and path
 * parameters are text and have to be coerced.
 */
export function buildValidator (...[schemas, options]: Parameters<AjvCompiler.BuildCompilerFromPool>) {
  const withOptions = (customOptions: object) => ({ ...options, customOptions }) as typeof options
  const validate = once(() => compileExact(schemas, withOptions(EXACT)))
  const coerce = once(() => compileCoercing(schemas, withOptions(COERCING)))

  return compiledOnce(schemas, validators, (route: AjvCompiler.RouteDefinition) => {
    const compiler = route.httpPart === 'body' ? validate() : coerce()
    return compiler(route as never)
  }) as ReturnType<AjvCompiler.BuildCompilerFromPool>
}

/** The serializers of replies. */
export function buildSerializer (
  ...[schemas, options]: Parameters<SerializerCompiler.SerializerFactory>
): SerializerCompiler.SerializerCompiler {
  const serializer = once(() => createSerializer(schemas, options))

  return compiledOnce(schemas, serializers, route => serializer()(route))
}

const EXACT = { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false }
const COERCING = { coerceTypes: true, removeAdditional: false, useDefaults: true, allErrors: false }

// One of each for the process: compiling is most of the time that a start takes, error replies are the same on most
// routes, and two instances of the service share everything.
const compileExact = AjvCompiler()
const compileCoercing = AjvCompiler()
const createSerializer = SerializerCompiler()
const validators = new Map<string, Map<string, unknown>>()
const serializers = new Map<string, Map<string, SerializerCompiler.Serializer>>()

/** Compiles equal schemas once. `shared` holds the schemas that they may refer to. */
function compiledOnce<Route extends { schema?: unknown, httpPart?: string }, Compiled> (
  shared: unknown,
  pools: Map<string, Map<string, Compiled>>,
  compile: (route: Route) => Compiled
): (route: Route) => Compiled {
  const pool = JSON.stringify(shared)
  const known = pools.get(pool) ?? new Map<string, Compiled>()
  pools.set(pool, known)

  return route => {
    const key = `${route.httpPart} ${JSON.stringify(route.schema)}`
    const compiled = known.get(key) ?? compile(route)
    known.set(key, compiled)
    return compiled
  }
}

function once<T extends object> (make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

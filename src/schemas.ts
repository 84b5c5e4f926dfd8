import { Type, type TSchema } from 'typebox'

/** An error reply, in the shape that @fastify/sensible shares as `HttpError`. */
export const ErrorReply = (description: string) =>
  Type.Unsafe<{ statusCode: number, code: string, error: string, message: string }>({
    ...Type.Ref('HttpError'),
    description
  })

/** An error reply with the codes that it may have, without `BRIDGE_` (errors.ts). */
export const codes = (text: string, ...codes: string[]) =>
  ErrorReply(`${text}. ${codes.map(code => `\`BRIDGE_${code}\``).join(', ')}`)

/** The fault is ours; the log says more. */
export const INTERNAL_ERROR = { 500: ErrorReply('Something went wrong here') }

/** A reference to a shared schema that keeps its type. */
export const Shared = <T>(id: string) => Type.Unsafe<T>(Type.Ref(id))

/** The body of a Jambonz hook: documented by the shared schema, and handed on as it arrived. */
export const HookBody = (id: string) => Shared<Buffer>(id)

/** A reply that is a stream of server-sent events. */
export const EventStreamReply = (example: string) => ({
  description: 'The stream',
  content: { 'text/event-stream': { schema: Type.String({ examples: [example] }) } }
})

/** A reply without a body. */
export const Empty = (description: string): TSchema => Type.Null({ description })

type Security = Array<Record<string, string[]>>

/** How a Jambonz hook proves its sender. */
export const JAMBONZ_SECURITY: Security = [{ jambonzSignature: [] }, { hookBasic: [] }]
export const OPERATOR_SECURITY: Security = [{ operatorToken: [] }]
/** Of routes that the keys of CALLERS may use as well. */
export const CALLER_SECURITY: Security = [{ operatorToken: [] }, { callerKey: [] }]
/** Of routes about one call that its agent may use as well. */
export const AGENT_SECURITY: Security = [...CALLER_SECURITY, { callToken: [] }]

/** The reply to a viewer, where something changes. */
export const NOT_FOR_VIEWERS = { 403: codes('A viewer may only look', 'VIEWERS_LOOK_ONLY') }

/** The reply to a key of CALLERS, or to an agent, on any other route of the operator API. */
export const OPERATORS_ONLY = {
  403: ErrorReply('A key of CALLERS or the token of a call may not do this, nor may a viewer change something')
}

/** Replies that any Jambonz hook may get. */
export const JAMBONZ_REFUSALS = {
  401: ErrorReply('No valid signature or credentials'),
  413: ErrorReply('Larger than 256 KiB')
}

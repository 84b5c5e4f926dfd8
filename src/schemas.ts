import { Type, type TSchema } from 'typebox'

/** An error reply, in the shape that @fastify/sensible shares as `HttpError`. */
export const ErrorReply = (description: string) =>
  Type.Unsafe<{ statusCode: number, code: string, error: string, message: string }>({
    ...Type.Ref('HttpError'),
    description
  })

/** The fault is ours; the log says more. */
export const INTERNAL_ERROR = { 500: ErrorReply('Something went wrong here') }

/** A reference to a shared schema that keeps its type. */
export const Shared = <T>(id: string) => Type.Unsafe<T>(Type.Ref(id))

/** The body of a Jambonz hook: documented by the shared schema, and handed on as it arrived. */
export const HookBody = (id: string) => Shared<Buffer>(id)

/** A reply without a body. */
export const Empty = (description: string): TSchema => Type.Null({ description })

type Security = Array<Record<string, string[]>>

/** How a Jambonz hook proves its sender. */
export const JAMBONZ_SECURITY: Security = [{ jambonzSignature: [] }, { hookBasic: [] }]
export const OPERATOR_SECURITY: Security = [{ operatorToken: [] }]

/** Replies that any Jambonz hook may get. */
export const JAMBONZ_REFUSALS = {
  401: ErrorReply('No valid signature or credentials'),
  413: ErrorReply('Larger than 256 KiB')
}

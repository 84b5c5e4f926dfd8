import { Type, type TSchema } from 'typebox'

/** A reply that is an error, with the shape that @fastify/sensible shares as `HttpError`. */
export const ErrorReply = (description: string) =>
  Type.Unsafe<{ statusCode: number, code: string, error: string, message: string }>({
    ...Type.Ref('HttpError'),
    description
  })

/** Our own fault; the log has more. */
export const INTERNAL_ERROR = { 500: ErrorReply('Something went wrong here') }

/** A reference to a shared schema that keeps its type. */
export const Shared = <T>(id: string) => Type.Unsafe<T>(Type.Ref(id))

/** A reply without a body. */
export const Empty = (description: string): TSchema => Type.Null({ description })

type Security = Array<Record<string, string[]>>

/** How a Jambonz hook proves its sender. */
export const JAMBONZ_SECURITY: Security = [{ jambonzSignature: [] }, { hookBasic: [] }]
export const OPERATOR_SECURITY: Security = [{ operatorToken: [] }]

/** Replies that every Jambonz hook may get instead of its own. */
export const JAMBONZ_REFUSALS = {
  401: ErrorReply('No valid signature or credentials'),
  413: ErrorReply('Larger than 256 KiB')
}

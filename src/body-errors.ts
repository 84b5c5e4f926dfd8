import type { FastifyError } from 'fastify'
import { BodyTooLargeError, NotJsonError } from './errors.ts'

/**
 * Makes an error handler that says in our words what Fastify says of a body which never became one. Every error goes on
 * to the outer handler.
 * @param largest the limit of the body, such as `16 KiB`
 * @param notJson makes the error of a body that cannot be read
 */
export function translateBodyErrors (largest: string, notJson: () => Error) {
  return (error: FastifyError): never => {
    switch (error.code) {
      case 'FST_ERR_CTP_BODY_TOO_LARGE':
        throw new BodyTooLargeError(largest)
      case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
        throw new NotJsonError()
      case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      case 'FST_ERR_CTP_INVALID_JSON_BODY':
      case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
        throw notJson()
      default:
        throw error
    }
  }
}

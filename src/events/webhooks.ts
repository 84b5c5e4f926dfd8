import { PUBLICATIONS, type Publication } from '../calls/fold/publications.ts'
import { EVENT_TYPES } from './event-schemas.ts'
import { EVENT_EXAMPLES } from './examples.ts'

const header = (name: string, description: string, example: string) =>
  ({ name, in: 'header', required: true, description, schema: { type: 'string' }, example })

const HEADERS = [
  header('webhook-id', 'Id of the event. The same in every repeat', EVENT_EXAMPLES['call.ended'].id),
  header('webhook-timestamp', 'When this request was made, in seconds since the epoch', '1795203554'),
  header(
    'webhook-signature',
    '`v1,<base64 of HMAC-SHA256(secret, "<webhook-id>.<webhook-timestamp>.<body>")>`; several with spaces between ' +
      'them while a secret is rotated',
    'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4='
  )
]

const RESPONSES = {
  '2XX': { description: 'The receiver has taken the event' },
  410: { description: 'The receiver wants no more events. It gets none until the next start of the bridge' },
  '4XX': { description: 'The event is sent again later. 429 with Retry-After says when' },
  '5XX': { description: 'The event is sent again later. 503 with Retry-After says when' }
}

const webhook = (type: Publication) => {
  const { schemaId, summary, description } = EVENT_TYPES[type]
  return {
    post: {
      operationId: schemaId.replace(/^Call/, 'onCall').replace(/Event$/, ''),
      tags: ['events'],
      summary,
      description,
      security: [],
      parameters: HEADERS,
      requestBody: {
        required: true,
        content: {
          'application/json': {
            schema: { $ref: `#/components/schemas/${schemaId}` },
            example: EVENT_EXAMPLES[type]
          }
        }
      },
      responses: RESPONSES
    }
  }
}

/** The `webhooks` of the OpenAPI document: what the bridge sends to the user's systems. */
export const webhooks = () => Object.fromEntries(PUBLICATIONS.map(type => [type, webhook(type)]))

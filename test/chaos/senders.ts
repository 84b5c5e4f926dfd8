import type { CallEventPayload } from '../../src/events/event-schemas.ts'
import type { Sender } from '../../src/events/sender.ts'
import { NoAnswerError, type RestSender } from '../../src/jambonz/rest-request.ts'
import type { WorldNetwork } from './network.ts'

type Ask = Pick<WorldNetwork, 'ask'>

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? 'failed'

/** How the bridge asks Jambonz' REST API over the world's network. */
export const createRestSenderIn = (
  network: Ask,
  { restUrl, apiKey }: { restUrl: string, apiKey: string }
): RestSender => ({
  async send ({ method, path, body, timeoutMs }) {
    const headers = { authorization: `Bearer ${apiKey}` }
    const request = { method, url: restUrl + path, headers, body: body ? JSON.stringify(body) : '' }
    try {
      const reply = await network.ask('jambonz-api', request, timeoutMs)
      return { status: reply.status, headers: reply.headers, text: reply.body }
    } catch (error) {
      throw new NoAnswerError(true, codeOf(error))
    }
  },
  async close () {}
})

/** A receiver of events may take this long, milliseconds. */
const EVENT_TIMEOUT_MS = 10_000

/** How the bridge sends events over the world's network. */
export const createEventSenderIn = (network: Ask): Sender => ({
  async send ({ url }, { body }) {
    try {
      const { status } = await network.ask('event', { method: 'POST', url, headers: {}, body }, EVENT_TIMEOUT_MS)
      if (status < 300) return { ok: true, status }
      return { ok: false, failure: status === 503 ? 'overloaded' : 'failed', detail: `HTTP ${status}` }
    } catch (error) {
      const isLate = codeOf(error) === 'UND_ERR_HEADERS_TIMEOUT'
      return { ok: false, failure: isLate ? 'timeout' : 'unreachable', detail: '' }
    }
  },
  async close () {}
})

/** The user's system that receives events. @returns its URL */
export async function serveEvents (
  network: WorldNetwork,
  onEvent: (event: CallEventPayload) => void
): Promise<string> {
  const { url } = await network.at('user.test').serve({ host: 'user.test', port: 80 }, async ({ body }) => {
    onEvent(JSON.parse(body) as CallEventPayload)
    return { status: 204, headers: {}, body: '' }
  })
  return `${url}/events`
}

import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import ignoreBodies from '../plugins/ignore-bodies.ts'
import { filterOf } from '../src/call-query.ts'
import { csvOf, jsonOf } from '../src/call-table.ts'
import type { Call } from '../src/calls/fold/call.ts'
import type { Cause } from '../src/calls/fold/vocabulary.ts'
import type { CallFilter, CallPage } from '../src/calls/store/registry.ts'
import { exportCallsSchema, failuresSchema } from '../src/find-schemas.ts'

/** Calls that are read in one go. */
const PAGE = 100
const HOUR_MS = 3_600_000

/** Looks at many calls at once: a file of them, and how many failed. Needs `registry` and `clock`. */
const findCalls: FastifyPluginAsyncTypebox = async fastify => {
  const { registry, clock } = fastify

  await fastify.register(ignoreBodies)

  fastify.get('/calls/export', {
    config: { operation: 'export-calls', forCallers: true },
    schema: exportCallsSchema,
    // The answer to a HEAD request would be made like the file, and thrown away.
    exposeHeadRoute: false
  }, async (request, reply) => {
    const { format = 'csv', ...query } = request.query
    const filter = filterOf(query, request.keyHolder!)
    // A store that cannot be used is an error reply, as long as nothing was sent.
    const first = filter ? await registry.list(filter, { limit: PAGE }) : { calls: [] }
    const pages = pagesFrom(first, filter ?? {})
    const at = new Date(clock.now()).toISOString().slice(0, 16).replaceAll(':', '')

    reply.header('content-disposition', `attachment; filename="calls-${at}Z.${format}"`)
    reply.header('cache-control', 'no-store')
    reply.type(format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/json; charset=utf-8')
    return reply.send(Readable.from(format === 'csv' ? csvOf(pages) : jsonOf(pages)))
  })

  fastify.get('/calls/failures', {
    config: { operation: 'count-failures' },
    schema: failuresSchema
  }, async () => {
    const now = clock.now()
    const since = now - HOUR_MS
    const [hour, before] = await Promise.all([
      registry.failures({ since, until: now + 1 }),
      registry.failures({ since: since - HOUR_MS, until: since })
    ])
    const causes = [...new Set([...hour.failed.keys(), ...before.failed.keys()])].map(cause => ({
      cause,
      count: hour.failed.get(cause) ?? 0,
      before: before.failed.get(cause) ?? 0
    })).sort(byCount)
    const failed = causes.reduce((sum, { count }) => sum + count, 0)
    return {
      at: new Date(now).toISOString(),
      hour: { since: new Date(since).toISOString(), received: hour.received, failed, causes }
    }
  })

  /** Further pages are read when the ones before were sent. */
  async function * pagesFrom (first: CallPage, filter: CallFilter): AsyncGenerator<Call[]> {
    for (let page = first; ;) {
      yield page.calls
      if (page.next === undefined) return
      page = await registry.list(filter, { limit: PAGE, cursor: page.next })
    }
  }
}

type Count = { cause: Cause, count: number, before: number }

const byCount = (one: Count, other: Count): number =>
  other.count - one.count || other.before - one.before || one.cause.localeCompare(other.cause)

export default findCalls

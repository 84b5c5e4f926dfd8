import { LruMap } from '../../lru-map.ts'
import type { HookSeen, Seen } from '../seen.ts'
import { replyIn, requestIdOf } from './hook-records.ts'
import type { Json } from './json.ts'
import { timeOf } from './times.ts'

/** Requests whose reply may still come in a later line. */
const MAX_OPEN_REQUESTS = 1000

/** pino writes a request and its reply as two lines with the same id. */
export function createReplies () {
  const openRequests = new LruMap<string, HookSeen>(MAX_OPEN_REQUESTS)

  return {
    /** Joins the reply in a record to the hook that was read before; keeps the record's own hook until then. */
    join (record: Json, seen: readonly Seen[]): void {
      const id = requestIdOf(record)
      if (id === undefined) return

      const request = seen.find(item => item.kind === 'hook')
      if (request) {
        openRequests.set(id, request)
        return
      }

      const hook = openRequests.get(id)
      const reply = hook && !hook.reply ? replyIn(record) : undefined
      if (!hook || !reply) return

      const at = reply.at ?? timeOf(record)
      hook.reply = { ...reply, ...(at !== undefined && { at }) }
    }
  }
}

/** The rows of a list. Jambonz sends lists as arrays, and as `{ data }` where they come in pages. */
export function jambonzRows (reply: unknown): Array<Record<string, unknown>> {
  const list = Array.isArray(reply) ? reply as unknown[] : (reply as { data?: unknown } | null | undefined)?.data
  if (!Array.isArray(list)) return []
  return list.filter(row => typeof row === 'object' && row !== null).map(row => row as Record<string, unknown>)
}

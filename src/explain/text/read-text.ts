import type { Finding } from '../../finding.ts'
import type { Keep } from '../keep.ts'
import type { HookSeen } from '../seen.ts'
import { linesOf } from './lines.ts'
import { bareLine, recordOf, replyIn, requestIdOf, zapLine } from './records.ts'
import { createSipLog } from './sip-log.ts'
import { timeIn, timeOf } from './times.ts'

/** Requests whose reply may be in a later line. */
const MAX_OPEN_REQUESTS = 1000
/** Longest JSON document, spread over lines, that is read whole. */
const MAX_DOCUMENT = 8 * 1024 * 1024

/**
 * Reads a text: SIP messages as sngrep, ngrep, sofia, drachtio or Asterisk print them, webhooks as JSON lines, log
 * lines of feature-server and livekit-sip, in any mixture. What is none of these is passed over.
 */
export async function readText (file: string, chunks: AsyncIterable<Buffer>, keep: Keep): Promise<Finding[]> {
  const log = createSipLog(file)
  let known = 0
  let lines = 0
  let cutLines = 0
  /** Lines from the first one on, while the file may be one JSON document. */
  let document: string[] | undefined = []
  let size = 0
  const open = new Map<string, HookSeen>()

  for await (const { line, number, cut } of linesOf(chunks)) {
    if (line.trim() !== '') lines++
    if (cut) cutLines++
    if (document) {
      size += line.length
      if (size > MAX_DOCUMENT || (document.length === 0 && line.trim() !== '' && !/^\s*[[{]/.test(line))) {
        document = undefined
      } else if (line.trim() !== '' || document.length > 0) document.push(line)
    }
    const record = line.includes('{') ? recordIn(line, number) : undefined
    if (record) {
      known++
      document = undefined
      const last = log.end()
      if (last) keep.add(last)
      keep.add(record)
      continue
    }
    const { seen } = log.push(line, number)
    if (seen) {
      known++
      keep.add(seen)
    }
  }
  const last = log.end()
  if (last) {
    known++
    keep.add(last)
  }
  if (known === 0 && document) known = readDocument(document.join('\n'))

  const found: Finding[] = []
  if (cutLines > 0) {
    found.push({
      code: 'lines-cut',
      severity: 'warning',
      seen: `${cutLines} lines of ${file} are too long and were read only in part.`
    })
  }
  if (known === 0) {
    found.push(
      lines === 0
        ? {
            code: 'empty-file',
            severity: 'failed',
            seen: `${file} is empty.`,
            todo: 'Take the capture or the log again while a call is made'
          }
        : {
            code: 'nothing-known',
            severity: 'failed',
            seen: `Nothing in the ${lines} lines of ${file} is SIP, a webhook of Jambonz or LiveKit, or a log line of ` +
            'feature-server or livekit-sip.',
            todo:
            'Give a pcap or pcapng file, a SIP log (sngrep, ngrep, sofia, drachtio), webhooks as JSON lines, or the ' +
            'logs of feature-server or livekit-sip'
          }
    )
  }
  return found

  function recordIn (line: string, number: number): ReturnType<typeof recordOf> {
    const place = { file, at: number }
    const brace = line.indexOf('{')
    const prefix = line.slice(0, brace)
    const zap = zapLine(line, place, timeIn(line))
    if (zap) return zap
    // What is in front of it is pm2's, docker's or kubectl's.
    // And behind it is the comma of an array.
    const end = line.lastIndexOf('}') + 1
    if (prefix.length > 200 || !/^[\s,\]]*$/.test(line.slice(end))) return undefined
    let json: Record<string, unknown>
    try {
      json = JSON.parse(line.slice(brace, end)) as Record<string, unknown>
    } catch {
      return undefined
    }
    const record = recordOf(json, place, timeIn(prefix)) ?? bareLine(prefix, json, place, timeIn(prefix))
    join(json, record)
    return record
  }

  /** pino writes a request and its reply as two lines with one id. */
  function join (json: Record<string, unknown>, record: ReturnType<typeof recordOf>): void {
    const id = requestIdOf(json)
    if (id === undefined) return
    const hook = open.get(id)
    if (record?.kind === 'hook') {
      open.delete(id)
      open.set(id, record)
      if (open.size > MAX_OPEN_REQUESTS) open.delete(open.keys().next().value!)
    } else if (hook && !hook.reply) {
      const reply = replyIn(json)
      const at = timeOf(json)
      if (reply) hook.reply = { ...reply, ...(at !== undefined && reply.at === undefined && { at }) }
    }
  }

  function readDocument (text: string): number {
    let count = 0
    try {
      rowsIn(JSON.parse(text)).forEach((row, i) => {
        const record = recordOf(row, { file, at: i + 1 })
        if (!record) return
        keep.add(record)
        count++
      })
    } catch {
      // No JSON either.
    }
    return count
  }
}

type Json = Record<string, unknown>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The records of a document: a list, a list within it (`{ data: [] }`, `{ log: { entries: [] } }`), or the document
 * itself.
 */
function rowsIn (document: unknown, depth = 0): Json[] {
  if (Array.isArray(document)) return document.filter(isObject)
  if (!isObject(document)) return []
  const nested = Object.values(document).filter(value => typeof value === 'object')
  const lists = depth < 2 ? nested.map(value => rowsIn(value, depth + 1)) : []
  const longest = lists.filter(list => list.length > 1).sort((a, b) => b.length - a.length)[0]
  return longest ?? [document]
}

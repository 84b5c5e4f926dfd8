import type { Finding } from '../../finding.ts'
import type { Keep } from '../keep.ts'
import { linesOf } from './lines.ts'
import { recordOf, zapLine } from './records.ts'
import { createSipLog } from './sip-log.ts'
import { timeIn } from './times.ts'

/** Longest JSON document, spread over lines, that is read whole. */
const MAX_DOCUMENT = 8 * 1024 * 1024

/**
 * Reads a text: SIP messages as sngrep, ngrep, sofia, drachtio or Asterisk print them, webhooks as JSON lines, log lines of
 * feature-server and livekit-sip, in any mixture. What is none of these is passed over.
 */
export async function readText (file: string, chunks: AsyncIterable<Buffer>, keep: Keep): Promise<Finding[]> {
  const log = createSipLog(file)
  let known = 0
  let lines = 0
  let cutLines = 0
  /** Lines from the first one on, while the file may be one JSON document. */
  let document: string[] | undefined = []
  let size = 0

  for await (const { line, number, cut } of linesOf(chunks)) {
    if (line.trim() !== '') lines++
    if (cut) cutLines++
    if (document) {
      size += line.length
      if (size > MAX_DOCUMENT || (document.length === 0 && line.trim() !== '' && !/^\s*[[{]/.test(line))) document = undefined
      else if (line.trim() !== '' || document.length > 0) document.push(line)
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
    if (seen) { known++; keep.add(seen) }
  }
  const last = log.end()
  if (last) { known++; keep.add(last) }
  if (known === 0 && document) known = readDocument(document.join('\n'))

  const found: Finding[] = []
  if (cutLines > 0) found.push({ code: 'lines-cut', severity: 'warning', seen: `${cutLines} lines of ${file} are too long and were read only in part.` })
  if (known === 0) {
    found.push(lines === 0
      ? { code: 'empty-file', severity: 'failed', seen: `${file} is empty.`, todo: 'Take the capture or the log again while a call is made' }
      : { code: 'nothing-known', severity: 'failed', seen: `Nothing in the ${lines} lines of ${file} is SIP, a webhook of Jambonz or LiveKit, or a log line of feature-server or livekit-sip.`, todo: 'Give a pcap or pcapng file, a SIP log (sngrep, ngrep, sofia, drachtio), webhooks as JSON lines, or the logs of feature-server or livekit-sip' })
  }
  return found

  function recordIn (line: string, number: number): ReturnType<typeof recordOf> {
    const place = { file, at: number }
    const brace = line.indexOf('{')
    const prefix = line.slice(0, brace)
    const zap = zapLine(line.replace(/^[^{]*?(?=\d{4}-\d\d-\d\dT\S+\s+(?:DEBUG|INFO|WARN|ERROR|FATAL)\b)/, ''), place, timeIn(line))
    if (zap) return zap
    // What is in front of it is pm2's, docker's or kubectl's.
    if (prefix.length > 200 || !line.trimEnd().endsWith('}')) return undefined
    try {
      return recordOf(JSON.parse(line.slice(brace)) as Record<string, unknown>, place, timeIn(prefix))
    } catch {
      return undefined
    }
  }

  function readDocument (text: string): number {
    let count = 0
    try {
      const parsed: unknown = JSON.parse(text)
      const all = Array.isArray(parsed) ? parsed : [parsed]
      all.forEach((item: unknown, i) => {
        const record = typeof item === 'object' && item !== null ? recordOf(item as Record<string, unknown>, { file, at: i + 1 }) : undefined
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

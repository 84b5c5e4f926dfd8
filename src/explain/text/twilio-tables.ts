import type { Seen } from '../seen.ts'
import { readAlerts } from './alert-records.ts'
import { readCallRecords } from './call-records.ts'
import { columnName } from './columns.ts'
import type { LineReader } from './line-reader.ts'

/*
 * The tables that Twilio's command line prints: `twilio api:core:calls:list`, `twilio debugger:logs:list`.
 */

/** A column, and where it begins. */
interface Column {
  name: string
  start: number
}

const KNOWN = new Set([
  'sid',
  'from',
  'to',
  'status',
  'direction',
  'duration',
  'starttime',
  'endtime',
  'datecreated',
  'errorcode',
  'alerttext',
  'loglevel',
  'resourcesid'
])

/** Reads the rows of such tables: their columns are as wide as their longest cell. */
export function createTwilioTables (file: string): LineReader {
  let columns: Column[] | undefined

  return {
    push (line, number) {
      const header = columnsIn(line)
      if (header) {
        columns = header
        return { seen: [], taken: true }
      }
      const row = columns && rowOf(columns, line)
      const place = { file, at: number }
      const seen: Seen[] | undefined = row && (readCallRecords(row, place) ?? readAlerts(row, place))
      if (!seen) columns = undefined
      return { seen: seen ?? [], taken: seen !== undefined }
    },
    end: () => []
  }
}

/** The columns of a line that names them; undefined for another line. */
function columnsIn (line: string): Column[] | undefined {
  if (line.length > 1000 || !/^(?:SID|Date Created) {2,}\S/.test(line)) return undefined

  const columns = [...line.matchAll(/\S+(?: \S+)*/g)].map(match => ({ name: columnName(match[0]), start: match.index }))
  return columns.length > 2 && columns.every(({ name }) => KNOWN.has(name)) ? columns : undefined
}

function rowOf (columns: readonly Column[], line: string): Record<string, string> {
  return Object.fromEntries(
    columns.map(({ name, start }, i) => [name, line.slice(start, columns[i + 1]?.start).trim()])
  )
}

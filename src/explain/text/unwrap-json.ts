import { isObject, textOf, type Json } from './json.ts'
import { within, type Origin } from './origin.ts'
import { timeOf } from './times.ts'

/*
 * JSON records that collectors wrap around what a program wrote: where the message stands in them, who wrote it and
 * when. Docker, journald, Loki, Google Cloud, Datadog, CloudWatch, Elastic, Splunk, Azure, fluent-bit, vector.
 */

/** Fields that hold a line as the program wrote it. */
const LINE_FIELDS = [
  'log',
  'MESSAGE',
  'line',
  'Line',
  'textPayload',
  '@message',
  '_raw',
  'message',
  'Message',
  'LogEntry',
  'LogMessage',
  'full_message',
  'short_message',
  // OpenTelemetry
  'stringValue'
]

/** Fields that sometimes hold SIP, or a record as text. */
const CARRYING_FIELDS = ['msg', 'event', 'text', 'content', 'data', 'raw', 'body', 'payload', 'sip', 'packet', 'value']

/** Fields that hold the record itself, or a list of records. */
const INNER_FIELDS = [
  'jsonPayload',
  'attributes',
  '_source',
  'result',
  'event',
  'message',
  'log',
  'line',
  'record',
  'fields',
  'body',
  'data',
  'content',
  'payload',
  'json',
  'properties',
  'hits',
  'response',
  'rawResponse'
]

/** The line in a record. Elastic's exports have each value in a list; journald has bytes for what is no plain text. */
export function lineIn (record: Json): string | undefined {
  const lines = textsIn(record, LINE_FIELDS)
  // A line may be empty: it ends the headers of a SIP message.
  return lines.find(line => line !== '') ?? lines[0]
}

/** A field that holds SIP as text. */
export const carriedSip = (record: Json): string | undefined =>
  textsIn(record, CARRYING_FIELDS).find(text => /SIP\/2\.0[^\n]{0,200}(?:\n|\\[rn])/.test(text))

/** A field that holds JSON as text. */
export const carriedJson = (record: Json): string | undefined =>
  textsIn(record, CARRYING_FIELDS).find(text => /^\s{0,20}[[{]/.test(text))

const textsIn = (record: Json, fields: readonly string[]): string[] =>
  fields.map(name => plainText(record[name])).filter(text => text !== undefined)

function plainText (value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return undefined
  if (value.length === 1) return textOf(value[0])
  const isBytes = value.length > 0 && value.length < MAX_BYTES &&
    value.every(byte => Number.isInteger(byte) && byte >= 0 && byte < 256)
  return isBytes ? Buffer.from(value as number[]).toString('utf8') : undefined
}

/** Bytes of a message in journald. */
const MAX_BYTES = 1024 * 1024

/** Whether a record is a line of a log itself, and not something around one. */
export const isLogRecord = (record: Json): boolean =>
  (typeof record['msg'] === 'string' || typeof record['message'] === 'string') &&
  ['level', 'severity', 'levelname', 'lvl', 'log.level', 'pid'].some(name => record[name] !== undefined)

/**
 * The records within a record, with what this one says about them.
 * @param depth of this record
 */
export function innerOf (record: Json, origin: Origin): Array<{ inner: Json, origin: Origin }> {
  const own = originOf(record, origin)
  const inner: Json[] = [
    ...INNER_FIELDS.map(name => record[name]).filter(isObject),
    ...Object.values(record).flatMap(rowsOf),
    ...tableRows(record)
  ]
  return inner.map(each => ({ inner: each, origin: own }))
}

/** The records of a list; also those of CloudWatch's `[[{ field, value }]]`. */
export function rowsOf (value: unknown): Json[] {
  if (!Array.isArray(value)) return []
  return value.flatMap(row => {
    if (isObject(row)) return [row]
    return isFieldList(row) ? [Object.fromEntries(row.map(({ field, value }) => [String(field), value]))] : []
  })
}

/** The rows of a table whose columns are named once: Azure's `{ columns: [{ name }], rows: [[…]] }`. */
function tableRows ({ columns, rows }: Json): Json[] {
  if (!Array.isArray(columns) || !Array.isArray(rows)) return []

  const names = columns.map((column: unknown) => isObject(column) ? textOf(column['name']) : textOf(column))
  return rows.filter(Array.isArray).map((row: unknown[]) =>
    Object.fromEntries(row.slice(0, names.length).map((cell, i) => [names[i] ?? String(i), cell]))
  )
}

/** The text of a list of its lines. */
export function textLines (value: unknown): string | undefined {
  const isText = Array.isArray(value) && value.every(line => typeof line === 'string') &&
    value.some(line => line.includes('SIP/2.0') || line.includes('{'))
  return isText ? value.join('\n') : undefined
}

const isFieldList = (row: unknown): row is Json[] =>
  Array.isArray(row) && row.length > 0 && row.every(cell => isObject(cell) && typeof cell['field'] === 'string')

/** Loki's own answer: labels, and pairs of nanoseconds and line. */
export function lokiLines (record: Json, origin: Origin): Array<{ line: string, origin: Origin }> {
  const { stream, values } = record
  if (!isObject(stream) || !Array.isArray(values)) return []

  const own = originOf({ labels: stream }, origin)
  return values.flatMap((pair: unknown) => {
    if (!Array.isArray(pair) || typeof pair[1] !== 'string') return []
    const at = timeOf({ time: pair[0] as unknown })
    return [{ line: pair[1], origin: within(own, at === undefined ? {} : { at }) }]
  })
}

/** What a record says about the message in it. */
export function originOf (record: Json, origin: Origin): Origin {
  const at = timeOf(record)
  const service = serviceIn(record)
  const writer = ['stream', '_PID', 'pod', 'host', '_HOSTNAME', 'hostname', 'logStreamName', '@logStream', 'filename']
    .map(name => record[name]).find(value => typeof value === 'string' || typeof value === 'number')
  return within(origin, {
    ...(at !== undefined && { at }),
    ...(service !== undefined && { service }),
    // The lines in records are not those of the file itself, whoever wrote them.
    stream: `${service ?? ''}:${String(writer ?? '')}`
  })
}

/** Where collectors say which container, unit or program wrote a line; the most exact comes first. */
const SERVICE_PATHS: ReadonlyArray<readonly string[]> = [
  ['service'],
  ['Service'],
  ['service', 'name'],
  ['service.name'],
  ['SYSLOG_IDENTIFIER'],
  ['CONTAINER_NAME'],
  ['container_name'],
  ['containerName'],
  ['ContainerName'],
  ['ContainerName_s'],
  ['container', 'name'],
  ['kubernetes', 'container_name'],
  ['kubernetes', 'container', 'name'],
  ['kubernetes.container.name'],
  ['container.name'],
  ['kubernetes', 'labels', 'app'],
  ['resource', 'labels', 'container_name'],
  ['resource', 'labels', 'service_name'],
  ['labels', 'container'],
  ['labels', 'container_name'],
  ['labels', 'compose_service'],
  ['labels', 'service_name'],
  ['labels', 'app'],
  ['labels', 'unit'],
  ['labels', 'job'],
  ['labels', 'k8s-pod/app'],
  ['fields', 'app'],
  ['fields', 'container'],
  ['fields', 'service_name'],
  ['stream', 'app'],
  ['docker', 'container_name'],
  ['attributes', 'service'],
  ['appname'],
  ['app_name'],
  ['process_name'],
  ['program'],
  ['ident'],
  ['app'],
  ['_SYSTEMD_UNIT'],
  ['tag'],
  ['source']
]

function serviceIn (record: Json): string | undefined {
  for (const path of SERVICE_PATHS) {
    const value = path.reduce<unknown>((inner, name) => isObject(inner) ? inner[name] : undefined, record)
    const text = plainText(value)
    if (text !== undefined && text !== '' && text.length <= MAX_SERVICE) return text.replace(/^\/|\.service$/g, '')
  }
  return undefined
}

const MAX_SERVICE = 200

/**
 * A record with its fields beside its message: Datadog and monolog put those of a line one level down, and Datadog's
 * tables call them `@callID`, and the message `Message`.
 */
export function flattened (record: Json): Json {
  const nested = ['attributes', 'context', 'extra', 'fields'].map(name => record[name]).filter(isObject)
  const columns = Object.entries(record).filter(([name]) => /^@\w/.test(name) || name === 'Message')
  if (nested.length === 0 && columns.length === 0) return record

  const plain = columns.map(([name, value]): [string, unknown] =>
    [name === 'Message' ? 'message' : name.slice(1), value])
  return Object.assign({}, ...nested, Object.fromEntries(plain), record) as Json
}

import type { LogSeen, Place } from '../seen.ts'
import { columnName, columnsOf, instantOf, wordOf, type Columns } from './columns.ts'
import { isObject, objectOf, type Json } from './json.ts'
import { readNested } from './nested.ts'

/*
 * Alerts: what Jambonz and Twilio noted of calls that went wrong. They are read as log lines of these services.
 */

/** The alerts in a record; undefined when there are none. */
export function readAlerts (record: Json, place: Place, lineTime?: number): LogSeen[] | undefined {
  const found = readNested(record, item => {
    const column = columnsOf(item)
    return jambonzAlert(item, column) ?? twilioAlert(item, column)
  })
  if (found.length === 0) return undefined

  return found.map(({ at = lineTime, ...alert }) => ({
    kind: 'log',
    place,
    ...(at !== undefined && { at }),
    level: 'error',
    ...alert
  }))
}

/** Whether a record is an alert. Its `message` is a sentence, and not a line that something wraps. */
export function isAlert (record: Json): boolean {
  const names = Object.keys(record).map(columnName)
  return names.includes('alerttype') ||
    (names.includes('errorcode') && ['alerttext', 'resourcesid', 'sourcecomponent'].some(name => names.includes(name)))
}

type Read = Pick<LogSeen, 'from' | 'text' | 'fields' | 'at'>

/** An alert as jambonz time-series index.js writes it: its type, a sentence, and maybe the call it is about. */
function jambonzAlert (record: Json, column: Columns): Read | undefined {
  const type = wordOf(column('alerttype'))
  if (type === undefined || type.length > 100) return undefined

  const target = wordOf(column('targetsid'))
  const text = [type, wordOf(column('message')), wordOf(column('detail'))].filter(word => word !== undefined)
  const at = instantOf(column('time', 'timestamp', 'createdat'))
  return {
    from: 'jambonz-alerts',
    text: text.join(': '),
    fields: { ...record, ...(target !== undefined && { callSid: target }) },
    ...(at !== undefined && { at })
  }
}

/**
 * An alert of Twilio's Monitor API, a webhook of its debugger, or a row of its error logs (twilio.com/docs/usage/
 * monitor-alert, twilio.com/docs/usage/troubleshooting/debugging-event-webhooks).
 */
function twilioAlert (record: Json, column: Columns): Read | undefined {
  const payload = objectOf(column('payload'))
  const inside = columnsOf(payload ?? {})
  const code = wordOf(column('errorcode', 'code')) ?? wordOf(inside('errorcode'))
  const resource = wordOf(column('resourcesid')) ?? wordOf(inside('resourcesid'))
  const isAlert = /^NO[\da-f]{4,32}$/i.test(wordOf(column('sid')) ?? '') || resource !== undefined ||
    column('alerttext', 'sourcecomponent') !== undefined
  if (code === undefined || !/^\d{5}$/.test(code) || !isAlert) return undefined

  const more = {
    ...texts(Object.entries({ msg: column('msg'), sipresponse: column('sipresponse') })),
    ...detailsOf(column('alerttext', 'message', 'errormessage', 'description', 'errordescription')),
    ...detailsOf(inside('moreinfo'))
  }
  const at = instantOf(column('dategenerated', 'datecreated', 'timestamp', 'date'))
  const status = more['sipresponse'] ?? more['sipresponsecode']
  const words = [code, more['msg'] ?? more['message'], status && `SIP response ${status}`]
  return {
    from: 'twilio',
    text: words.filter(word => word !== undefined && word !== '').join(': '),
    fields: {
      ...record,
      errorCode: code,
      ...(status !== undefined && { sipResponse: status }),
      ...(resource !== undefined && { callSid: resource })
    },
    ...(at !== undefined && { at })
  }
}

/** Longest text of details that is taken apart, characters. */
const LONGEST_DETAILS = 4000

/** What Twilio says of an error: a query string, an object, or a sentence. */
function detailsOf (value: unknown): Record<string, string> {
  const object = objectOf(value)
  if (object) return texts(Object.entries(object))

  const text = wordOf(value)?.slice(0, LONGEST_DETAILS)
  if (text === undefined) return {}
  return /^\w+=[^ ]*(&|$)/.test(text) ? texts([...new URLSearchParams(text)]) : { msg: text }
}

const texts = (entries: ReadonlyArray<readonly [string, unknown]>): Record<string, string> =>
  Object.fromEntries(
    entries.filter(([, value]) => value !== undefined && !isObject(value) && value !== '').map(([name, value]) => [
      name.toLowerCase().replace(/[^a-z]/g, ''),
      String(value)
    ])
  )

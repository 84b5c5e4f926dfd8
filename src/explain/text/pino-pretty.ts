import type { Collector } from './collector.ts'
import { isObject, parsedJson, type Json } from './json.ts'
import { lenientValue } from './objects.ts'

/*
 * Lines of pino-pretty: a line with time, level and message, and the fields indented below it.
 */

/** `[15:53:51.466] INFO (fs/1479 on host): message`, `INFO [2025-01-15 15:53:51.466 +0000]: message`. */
const HEAD = /^(?:\[([^\]]{5,40})\] )?(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)(?: \[([^\]]{5,40})\])?(?: \((?:([\w.@/ -]{1,80}?)\/)?(\d{1,10})?(?: on )?[\w.-]{0,100}\))?: ?(.*)$/
const FIELD = /^ {4}("?)([A-Za-z_$@][\w.$@-]{0,80})\1: ?(.*)$/
/** Lines below a message. */
const MAX_LINES = 2000

/** Begins with the line of the message; undefined for other lines. */
export function openPinoPretty (line: string): Collector | undefined {
  if (!/^(?:\[|[TDIWEF][A-Z]{3,4}[ :])/.test(line)) return undefined
  const match = HEAD.exec(line)
  if (!match) return undefined

  const [, before, level = '', behind, service, , message = ''] = match
  const time = before ?? behind
  // Others write their level and a colon too.
  if (time === undefined && service === undefined && !line.includes('(')) return undefined
  const below: string[] = []
  return {
    push (next) {
      if (!/^ {4}/.test(next) || below.length === MAX_LINES) return false
      below.push(next)
      return true
    },
    end: () => ({
      record: {
        level: level.toLowerCase(),
        ...(time !== undefined && { time: /^\d{13}$/.test(time) ? Number(time) : time }),
        ...fieldsIn(below),
        ...onOneLine(message)
      },
      ...(service !== undefined && { service })
    })
  }
}

/** With --singleLine the fields stand behind the message. */
function onOneLine (message: string): Json {
  const brace = message.indexOf('{')
  const fields = brace < 0 ? undefined : lenientValue(message.slice(brace))
  if (!isObject(fields)) return { msg: message }

  const msg = message.slice(0, brace).trim()
  // A webhook that was logged is something else than a line with its call_sid.
  return fields['call_sid'] === undefined ? { ...fields, msg } : { body: fields, msg }
}

function fieldsIn (lines: readonly string[]): Json {
  const fields: Json = {}
  let open: { name: string, value: string[] } | undefined
  const close = (): void => {
    if (open) fields[open.name] = valueOf(open.value.join('\n'))
  }
  for (const line of withoutStacks(lines)) {
    const [, , name, value = ''] = FIELD.exec(line) ?? []
    if (name !== undefined) {
      close()
      open = { name, value: [value] }
    } else {
      open?.value.push(line.slice(4))
    }
  }
  close()
  return fields
}

/** Stacks of errors are printed as they are, in the middle of what is JSON. */
function withoutStacks (lines: readonly string[]): string[] {
  let depth = Infinity
  return lines.filter(line => {
    const indent = line.search(/\S/)
    if (indent > depth) return false
    depth = /^\s{1,40}"?stack"?:\s*$/.test(line) ? indent : Infinity
    return depth === Infinity
  })
}

function valueOf (text: string): unknown {
  const json = parsedJson(text)
  if (json !== undefined) return json
  return /^[[{]/.test(text) ? lenientValue(text) ?? text : text
}

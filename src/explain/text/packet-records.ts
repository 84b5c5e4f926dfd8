import type { Place, SipSeen } from '../seen.ts'
import { sipInPacket, type DissectedPacket } from './dissected.ts'
import { isObject, textOf, type Json } from './json.ts'
import { isSipInfo, sipInRow } from './packet-info.ts'
import { timeIn } from './times.ts'

/*
 * Packets as records: rows of Wireshark's CSV, of tshark -T fields with a header, and objects of tshark -T json,
 * jsonraw and ek.
 */

/** A packet in any of these forms; undefined for another record. */
export function readPacketRecord (record: Json, place: Place): SipSeen[] | undefined {
  const seen = rowIn(record, place) ?? fieldsIn(record, place)
  return seen && [seen]
}

/** Wireshark's columns, which people may rename and add to. */
function rowIn (record: Json, place: Place): SipSeen | undefined {
  const column = (name: string): string => {
    const names = [name, name.toLowerCase()].flatMap(each => [each, `_ws.col.${each}`])
    const found = names.find(each => each in record)
    return found === undefined ? '' : textOf(record[found])?.trim() ?? ''
  }
  const info = column('Info')
  const source = column('Source') || column('ip.src')
  const destination = column('Destination') || column('ip.dst')
  if (!isSipInfo(info) || source === '' || destination === '') return undefined

  const at = rowTime(column('Time') || column('frame.time_epoch'))
  return sipInRow({
    ...(at !== undefined && { at }),
    source: { address: source, port: Number(column('Source Port') || column('udp.srcport')) || 0 },
    destination: { address: destination, port: Number(column('Destination Port') || column('udp.dstport')) || 0 },
    protocol: column('Protocol'),
    info
  }, place)
}

const rowTime = (text: string): number | undefined =>
  /^\d{1,10}(?:\.\d{1,9})?$/.test(text) ? Number(text) * 1000 : timeIn(text)

/** The fields of a packet, by protocol or all in one object. */
function fieldsIn (record: Json, place: Place): SipSeen | undefined {
  const source = isObject(record['_source']) ? record['_source'] : record
  const layers = isObject(source['layers']) ? source['layers'] : undefined
  const isTable = Object.keys(record).some(name => /^sip\.(?:Request-Line|Status-Line|Method|Status-Code)$/.test(name))
  if (!layers && !isTable) return undefined

  const values = new Map<string, unknown>()
  collect(layers ?? record, values, 0)
  const timestamp = textOf(record['timestamp'])
  if (timestamp !== undefined) values.set('timestamp', timestamp)
  return sipInPacket(packetOf(values), place)
}

/** How deep tshark nests a header's parts. */
const MAX_DEPTH = 8
const MAX_FIELDS = 4000

/** Every field by its name. -T ek writes `sip_sip_Call-ID` for `sip.Call-ID`. */
function collect (object: Json, values: Map<string, unknown>, depth: number): void {
  if (depth > MAX_DEPTH) return

  for (const [key, value] of Object.entries(object)) {
    if (values.size >= MAX_FIELDS) return
    if (isObject(value)) {
      collect(value, values, depth + 1)
      continue
    }
    const name = key.replace(/^([a-z0-9]+)_\1_/, '$1.')
    if (!values.has(name)) values.set(name, value)
  }
}

const packetOf = (fields: ReadonlyMap<string, unknown>): DissectedPacket => ({
  values (name) {
    const value = fields.get(name)
    return [value].flat().filter(each => typeof each === 'string' && each !== '') as string[]
  },
  bytes (name) {
    // jsonraw has the digits first in a list, and behind them offset, length and type.
    const [digits] = [fields.get(`${name}_raw`)].flat()
    return typeof digits === 'string' && /^(?:[\da-f]{2})+$/i.test(digits) ? digits : undefined
  }
})

import type { Endpoint } from '../capture/endpoint.ts'
import { looksLikeSip, parseLeniently } from '../capture/sip-bytes.ts'
import type { Place, SipSeen } from '../seen.ts'
import { isObject, type Json } from './json.ts'
import { timeOf } from './times.ts'

/*
 * SIP messages in records of monitoring systems: Homer (`raw`, `msg`), SIP3, heplify-server, VoIPmonitor.
 */

/** Names of the field with the whole message. */
const MESSAGE = ['raw', 'msg', 'payload', 'raw_data', 'sip_msg', 'message', 'data', 'sip', 'content']
/** Names of the ends, in lower case and without separators. */
const SOURCE = ['srcip', 'sourceip', 'srcaddr', 'sourceaddress', 'srchost', 'source', 'src']
const DESTINATION = ['dstip', 'destinationip', 'dstaddr', 'destinationaddress', 'dsthost', 'destination', 'dst']
const SOURCE_PORT = ['srcport', 'sourceport']
const DESTINATION_PORT = ['dstport', 'destinationport', 'destport']
const PROTOCOL = ['protocol', 'proto', 'transport']
const TRANSPORTS: ReadonlyMap<string, string> = new Map([['6', 'tcp'], ['17', 'udp'], ['132', 'sctp']])

/** A SIP message with its ends in a record; undefined for another record. */
export function readSipRecord (record: Json, place: Place, lineTime: number | undefined): SipSeen[] | undefined {
  const text = MESSAGE.map(name => record[name]).find(isSipText)
  if (text === undefined) return undefined

  // Homer's database keeps the ends and the time in an object beside the message.
  const around = [record, ...Object.values(record).filter(isObject)]
  const fields = new Map(around.flatMap(object => Object.entries(object)).reverse().map(([name, value]) =>
    [name.toLowerCase().replace(/[_.-]/g, ''), value]))
  const source = endIn(fields, SOURCE, SOURCE_PORT)
  const destination = endIn(fields, DESTINATION, DESTINATION_PORT)
  const message = source || destination ? parseLeniently(text.replace(/\r?\n/g, '\r\n')) : undefined
  if (!message) return undefined

  const at = homerTime(fields) ?? around.map(timeOf).find(time => time !== undefined) ?? lineTime
  const transport = transportOf(fields)
  return [{
    kind: 'sip',
    place,
    ...(at !== undefined && { at }),
    message,
    ...(source && { source }),
    ...(destination && { destination }),
    ...(transport !== undefined && { transport })
  }]
}

const isSipText = (value: unknown): value is string =>
  typeof value === 'string' && value.includes('SIP/2.0') && looksLikeSip(Buffer.from(value.slice(0, 1200)))

type Fields = ReadonlyMap<string, unknown>

const valueIn = (fields: Fields, names: readonly string[]): string | undefined => {
  const value = names.map(name => fields.get(name)).find(found => ['string', 'number'].includes(typeof found))
  return value === undefined ? undefined : String(value)
}

/** An address and its port, in two fields or in one. */
function endIn (fields: Fields, addresses: readonly string[], ports: readonly string[]): Endpoint | undefined {
  const text = valueIn(fields, addresses)
  if (text === undefined || text === '') return undefined

  const both = /^(\[[\da-f:.]{2,45}\]|[^:]{1,255}):(\d{1,5})$/i.exec(text)
  const [, address = text, inline = '0'] = both ?? []
  const port = Number(valueIn(fields, ports) ?? inline)
  return { address: address.replace(/^\[|\]$/g, ''), port: Number.isInteger(port) && port <= 65_535 ? port : 0 }
}

/** Seconds and microseconds in two fields, or microseconds in one. */
function homerTime (fields: Fields): number | undefined {
  const seconds = fields.get('timeseconds')
  const micros = fields.get('timeuseconds')
  if (typeof seconds === 'number') return seconds * 1000 + (typeof micros === 'number' ? micros / 1000 : 0)

  const microTime = Number(fields.get('microts') ?? NaN)
  return Number.isFinite(microTime) ? microTime / 1000 : undefined
}

function transportOf (fields: Fields): string | undefined {
  const name = valueIn(fields, PROTOCOL)?.toLowerCase()
  if (name === undefined) return undefined
  return TRANSPORTS.get(name) ?? (/^(udp|tcp|tls|ws|wss)$/.test(name) ? name : undefined)
}

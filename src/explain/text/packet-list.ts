import type { Endpoint } from '../capture/endpoint.ts'
import { parseLeniently } from '../capture/sip-bytes.ts'
import type { Place, SipSeen } from '../seen.ts'
import { isSipInfo, sipInRow } from './packet-info.ts'
import { timeIn } from './times.ts'

/** The protocol, maybe the length of the frame, and Wireshark's words about it. */
const SIP_COLUMNS = /\s(SIP(?:\/[\w/]{1,20})?)\s+(?:\d+\s+)?((?:Request: [A-Z]{3,12} |Status: \d{3}\b).*)$/
const ARROWS = new Map([['→', 'right'], ['->', 'right'], ['←', 'left'], ['<-', 'left']])
const PORT = /^\d{1,5}$/
/** Seconds since the first packet, or since the epoch. */
const SECONDS = /^\d{1,10}\.\d{1,9}$/

/**
 * The SIP message in a row of a list of packets, as tshark prints it and Wireshark exports it (File → Export Packet
 * Dissections → As Plain Text, with the summary line). Undefined for another line.
 */
export const listedPacket = (line: string, place: Place): SipSeen | undefined =>
  line.includes('SIP') ? rowIn(line, place) ?? fieldsIn(line, place) : undefined

const START = /^(?:[A-Z]{3,12} (?:sips?|tel):\S{1,1024} SIP\/2\.0|SIP\/2\.0 [1-6]\d\d(?: .{0,200})?)$/

/** tshark -T fields without a header: nobody knows the names of the columns, but the start line and addresses show. */
function fieldsIn (line: string, place: Place): SipSeen | undefined {
  const cells = line.slice(0, 4000).split('\t').map(cell => cell.trim())
  const start = cells.find(cell => START.test(cell))
  const [source, destination] = cells.filter(isNumeric)
  if (cells.length < 4 || start === undefined || source === undefined || destination === undefined) return undefined

  const message = parseLeniently(`${start}\r\n\r\n`)
  const at = cells.map(timeOfCell).find(time => time !== undefined)
  return message && {
    kind: 'sip',
    place,
    ...(at !== undefined && { at }),
    message,
    source: { address: source, port: 0 },
    destination: { address: destination, port: 0 },
    startLineOnly: true
  }
}

const timeOfCell = (cell: string): number | undefined => SECONDS.test(cell) ? Number(cell) * 1000 : timeIn(cell)

function rowIn (line: string, place: Place): SipSeen | undefined {
  const columns = SIP_COLUMNS.exec(line.slice(0, 2000))
  if (!columns) return undefined

  const [, protocol = '', info = ''] = columns
  const before = line.slice(0, columns.index)
  const ends = isSipInfo(info) ? endsIn(before) : undefined
  if (!ends) return undefined

  const at = timeIn(before) ?? secondsIn(before)
  return sipInRow({ ...(at !== undefined && { at }), ...ends, protocol, info }, place)
}

function secondsIn (before: string): number | undefined {
  const seconds = before.split(/\s+/).find(word => SECONDS.test(word))
  return seconds === undefined ? undefined : Number(seconds) * 1000
}

/** The last columns in front of the protocol: two addresses, an arrow between them, maybe ports. */
function endsIn (before: string): { source: Endpoint, destination: Endpoint } | undefined {
  const words = before.split(/\s+/).filter(word => word !== '')
  const arrow = words.findIndex(word => ARROWS.has(word))
  const [left, right] = arrow < 0 ? lastTwo(words) : [lastEnd(words.slice(0, arrow)), lastEnd(words.slice(arrow + 1))]
  if (!left || !right) return undefined
  return ARROWS.get(words[arrow] ?? '') === 'left'
    ? { source: right, destination: left }
    : { source: left, destination: right }
}

function lastTwo (words: readonly string[]): [Endpoint | undefined, Endpoint | undefined] {
  const last = lastEnd(words)
  const used = last && last.port > 0 ? 2 : 1
  return [lastEnd(words.slice(0, -used)), last]
}

/** The end that the words close with: an address, or an address and a port. */
function lastEnd (words: readonly string[]): Endpoint | undefined {
  const [address = '', port = ''] = words.slice(-2)
  if (PORT.test(port) && isAddress(address)) return { address, port: Number(port) }
  const alone = words.at(-1) ?? ''
  return isAddress(alone) ? { address: alone, port: 0 } : undefined
}

const isNumeric = (word: string): boolean =>
  /^\d{1,3}(?:\.\d{1,3}){3}$/.test(word) || /^[\da-f]{0,4}:[\da-f]{0,4}:[\da-f:.]{0,40}$/i.test(word)

/** An address, or the name that Wireshark has resolved it to. */
const isAddress = (word: string): boolean => isNumeric(word) || /^[a-z][\w-]*(?:\.[\w-]+)*$/i.test(word)

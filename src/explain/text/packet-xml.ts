import type { SipSeen } from '../seen.ts'
import { sipInPacket } from './dissected.ts'
import type { LineReader } from './line-reader.ts'
import { sipInRow } from './packet-info.ts'
import { timeIn } from './times.ts'

/*
 * tshark -T pdml and -T psml: one element on each line.
 */

const FIELD = /^\s*<field name="([\w.-]{1,80})"/
const SHOW = /\bshow="([^"]{0,4096})"/
const VALUE = /\bvalue="([\da-f]{2,131072})"/
const SECTION = /^\s*<section>(.{0,2000}?)<\/section>/
const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"]
])
/** Fields of one packet that are remembered. */
const MAX_FIELDS = 4000
/** Values of one field: a message may have many attributes of media. */
const MAX_VALUES = 100

/** Reads packets that tshark wrote as XML. */
export function createPacketXml (file: string): LineReader {
  /** Names of the columns, in PSML. */
  let columns: string[] = []
  let inStructure = false
  let packet: { at: number, fields: Map<string, string[]>, bytes: Map<string, string>, sections: string[] } | undefined

  function finish (): SipSeen[] {
    if (!packet) return []
    const { at, fields, bytes, sections } = packet
    packet = undefined
    const place = { file, at }
    const seen = sections.length > 0
      ? rowOf(columns, sections, place)
      : sipInPacket({ values: name => fields.get(name) ?? [], bytes: name => bytes.get(name) }, place)
    return seen ? [seen] : []
  }

  function takeField (line: string, name: string): void {
    if (!packet || packet.fields.size >= MAX_FIELDS) return
    const show = SHOW.exec(line)?.[1]
    const value = VALUE.exec(line)?.[1]
    // Text has its control characters escaped; the value has the bytes.
    const known = packet.fields.get(name) ?? []
    if (show && known.length < MAX_VALUES) packet.fields.set(name, [...known, decoded(show)])
    if (value !== undefined && !packet.bytes.has(name)) packet.bytes.set(name, value)
  }

  return {
    push (line, number) {
      const tag = /^\s*<(\/?\w+)/.exec(line)?.[1]
      if (tag === undefined) return { seen: [], taken: packet !== undefined }

      if (tag === 'structure') {
        inStructure = true
        columns = []
      } else if (tag === '/structure') inStructure = false
      else if (tag === 'packet') packet = { at: number, fields: new Map(), bytes: new Map(), sections: [] }
      else if (tag === '/packet') return { seen: finish(), taken: true }

      const section = SECTION.exec(line)?.[1]
      if (section !== undefined && (packet?.sections ?? columns).length < 100) {
        if (inStructure) columns.push(decoded(section))
        else packet?.sections.push(decoded(section))
      }
      const name = FIELD.exec(line)?.[1]
      if (name !== undefined) takeField(line, name)
      return { seen: [], taken: packet !== undefined || inStructure }
    },
    end: finish
  }
}

function rowOf (columns: readonly string[], sections: readonly string[], place: SipSeen['place']): SipSeen | undefined {
  const column = (name: string): string => sections[columns.indexOf(name)]?.trim() ?? ''
  const time = column('Time')
  const at = /^\d{1,10}(?:\.\d{1,9})?$/.test(time) ? Number(time) * 1000 : timeIn(time)
  return sipInRow({
    ...(at !== undefined && { at }),
    source: { address: column('Source'), port: 0 },
    destination: { address: column('Destination'), port: 0 },
    protocol: column('Protocol'),
    info: column('Info')
  }, place)
}

const decoded = (text: string): string =>
  text.replace(/&(\w{1,6});/g, (whole, name: string) => ENTITIES.get(name) ?? whole)

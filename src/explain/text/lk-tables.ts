import {
  RoomAgentDispatch,
  RoomConfiguration,
  SIPDispatchRule,
  SIPDispatchRuleCallee,
  SIPDispatchRuleDirect,
  SIPDispatchRuleIndividual,
  SIPDispatchRuleInfo,
  SIPInboundTrunkInfo,
  SIPOutboundTrunkInfo
} from '@livekit/protocol'
import type { ConfigObject, ConfigSeen, Seen } from '../seen.ts'
import { columnName } from './columns.ts'
import type { LineReader } from './line-reader.ts'
import { cellsOf, isBorder, type Table } from './table-rows.ts'

/*
 * The tables that `lk sip inbound|outbound|dispatch list` prints (livekit-cli cmd/lk/sip.go).
 */

/** Collects the rows of such tables. */
export function createLkTables (file: string): LineReader {
  let table: Table | undefined

  function rowSeen (): Seen[] {
    const row = table?.row
    if (!table || !row) return []

    delete table.row
    return [seenOf(objectOf(table.columns, row.cells), row.number)]
  }

  const seenOf = (object: ConfigObject, number: number): ConfigSeen => ({
    kind: 'config',
    place: { file, at: number },
    form: 'table',
    ...object,
    ...(table && object.list === 'rules' && { unshown: unshownIn(table.columns) })
  })

  function end (): Seen[] {
    const last = rowSeen()
    table = undefined
    return last
  }

  return {
    push (line, number) {
      if (table && isBorder(line)) return { seen: [], taken: true }

      const cells = cellsOf(line)
      const columns = cells?.map(columnName)
      const list = columns && listOf(columns)
      if (columns && list) {
        const before = end()
        table = { columns }
        return { seen: [...before, seenOf({ list }, number)], taken: true }
      }
      if (!table) return { seen: [], taken: false }
      if (cells?.length !== table.columns.length) return { seen: end(), taken: false }
      if (cells[0] !== '') {
        const before = rowSeen()
        table.row = { cells, number }
        return { seen: before, taken: true }
      }
      if (table.row) table.row.cells = joined(table.columns, table.row.cells, cells)
      return { seen: [], taken: true }
    },
    end
  }
}

function listOf (columns: readonly string[]): ConfigSeen['list'] | undefined {
  if (columns[0] === 'sipdispatchruleid') return 'rules'
  if (columns[0] !== 'siptrunkid' || columns.length < 3) return undefined
  return columns.includes('address') ? 'outbound' : 'inbound'
}

/** Older versions of `lk` show no agents of a rule, and none shows for which numbers it is. */
const unshownIn = (columns: readonly string[]): Required<ConfigSeen>['unshown'] =>
  new Set(columns.includes('agents') ? ['numbers'] : ['numbers', 'agents'])

/** A cell that goes on in the next line of the table. Lists have commas between their entries. */
const joined = (columns: readonly string[], cells: readonly string[], more: readonly string[]): string[] =>
  cells.map((cell, i) => [cell, more[i] ?? ''].filter(part => part !== '').join(isList(columns[i]) ? ',' : ' '))

const isList = (column = ''): boolean => /numbers?$|addresses$|^siptrunks$|^agents$/.test(column)

/** Stands for a password, of which the table shows only that there is one. */
export const HIDDEN_PASSWORD = '****'

function objectOf (columns: readonly string[], cells: readonly string[]): ConfigObject {
  const cell = (...names: string[]): string => {
    const i = columns.findIndex(column => names.includes(column))
    return cells[i] ?? ''
  }
  const entries = (...names: string[]): string[] =>
    cell(...names).split(',').map(entry => entry.trim()).filter(entry => entry !== '')

  const list = listOf(columns) ?? 'inbound'
  if (list === 'rules') return { list, object: ruleOf(cell, entries) }

  const [, username = '', password] = /^(.*?)\s*\/\s*(\*+)?$/.exec(cell('authentication', 'inboundauth')) ?? []
  const common = {
    sipTrunkId: cell('siptrunkid'),
    name: cell('name'),
    numbers: entries('numbers', 'number'),
    metadata: cell('metadata'),
    authUsername: username,
    authPassword: password === undefined ? '' : HIDDEN_PASSWORD
  }
  if (list === 'outbound') return { list, object: new SIPOutboundTrunkInfo({ ...common, address: cell('address') }) }
  return {
    list,
    object: new SIPInboundTrunkInfo({
      ...common,
      allowedAddresses: entries('allowedaddresses', 'allowaddresses'),
      allowedNumbers: entries('allowednumbers', 'allownumbers')
    })
  }
}

type Cell = (...names: string[]) => string

function ruleOf (cell: Cell, entries: (...names: string[]) => string[]): SIPDispatchRuleInfo {
  return new SIPDispatchRuleInfo({
    sipDispatchRuleId: cell('sipdispatchruleid'),
    name: cell('name'),
    trunkIds: entries('siptrunks').filter(id => id !== '<any>'),
    metadata: cell('metadata'),
    rule: targetOf(cell('type'), cell('roomname'), cell('pin')),
    roomConfig: new RoomConfiguration({
      agents: entries('agents').map(agentName => new RoomAgentDispatch({ agentName }))
    })
  })
}

/** The room as the table writes it: `prefix_<caller>_<random>`, `prefix<callee>`, `prefix<callee>_<random>`. */
function targetOf (type: string, room: string, pin: string): SIPDispatchRule | undefined {
  if (/^direct/i.test(type)) {
    return new SIPDispatchRule({
      rule: { case: 'dispatchRuleDirect', value: new SIPDispatchRuleDirect({ roomName: room, pin }) }
    })
  }
  if (/^individual/i.test(type)) {
    const roomPrefix = room.replace(/_?<caller>.*$/, '')
    return new SIPDispatchRule({
      rule: { case: 'dispatchRuleIndividual', value: new SIPDispatchRuleIndividual({ roomPrefix, pin }) }
    })
  }
  if (!/^callee/i.test(type)) return undefined

  const value = new SIPDispatchRuleCallee({
    roomPrefix: room.replace(/_?<callee>.*$/, ''),
    randomize: room.includes('<random>'),
    pin
  })
  return new SIPDispatchRule({ rule: { case: 'dispatchRuleCallee', value } })
}

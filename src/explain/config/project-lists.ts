import type { SIPDispatchRuleInfo, SIPInboundTrunkInfo, SIPOutboundTrunkInfo } from 'livekit-server-sdk'
import type { ConfigSeen, Place } from '../seen.ts'
import { HIDDEN_PASSWORD } from '../text/lk-tables.ts'

/** What files show of a project's trunks and rules. */
export interface ProjectLists {
  trunks: SIPInboundTrunkInfo[]
  rules: SIPDispatchRuleInfo[]
  outbound: SIPOutboundTrunkInfo[]
  /** Which of them were seen at all, be it as a table without rows. */
  seen: ReadonlySet<ConfigSeen['list']>
  places: ReadonlyMap<object, Place>
  /** What the tables of `lk` do not show of some rules. */
  unshown: ReadonlyMap<object, Unshown>
}

type Unshown = Required<ConfigSeen>['unshown']

/** Trunks and rules that are looked at. Projects have some dozens. */
const MOST = 2000

/** The trunks and rules in several files, each once. */
export function listsOf (configs: readonly ConfigSeen[]): ProjectLists {
  const places = new Map<object, Place>()
  const unshown = new Map<object, Unshown>()
  const byId = new Map<string, ConfigSeen>()
  for (const config of configs.slice(0, MOST)) {
    // JSON shows more than a table, and a later listing is newer.
    const id = idOf(config) || `${config.place.file}:${config.place.at}:${byId.size}`
    if (config.object && !(byId.get(id)?.form === 'json' && config.form === 'table')) byId.set(id, config)
  }
  const lists: Pick<ProjectLists, 'trunks' | 'rules' | 'outbound'> = { trunks: [], rules: [], outbound: [] }
  for (const config of byId.values()) {
    const { list, place, form, unshown: missing } = config
    if (!config.object) continue
    if (list === 'rules') lists.rules.push(noted(config.object))
    else if (list === 'outbound') lists.outbound.push(noted(shownPassword(config.object, form)))
    else lists.trunks.push(noted(shownPassword(config.object, form)))

    function noted<T extends object> (object: T): T {
      places.set(object, place)
      if (missing) unshown.set(object, missing)
      return object
    }
  }
  return {
    ...lists,
    seen: new Set(configs.map(({ list }) => list)),
    places,
    unshown
  }
}

function idOf ({ list, object }: ConfigSeen): string {
  if (!object) return ''
  return 'sipDispatchRuleId' in object ? object.sipDispatchRuleId : `${list}:${object.sipTrunkId}`.replace(/^\w+:$/, '')
}

/** An answer of the API may leave the password out: then there is one as much as none. */
function shownPassword<T extends SIPInboundTrunkInfo | SIPOutboundTrunkInfo> (trunk: T, form: ConfigSeen['form']): T {
  if (form === 'table' || trunk.sipTrunkId === '') return trunk
  if (trunk.authUsername === '' || trunk.authPassword !== '') return trunk

  const copy = trunk.clone() as T
  copy.authPassword = HIDDEN_PASSWORD
  return copy
}

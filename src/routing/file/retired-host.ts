import { namesRetiredRetellHost, RETIRED_RETELL_HOST } from '../../retell/retired-host.ts'
import type { Item, Reading } from './items.ts'

/** Whether an address leads to the host that Retell switched off, which is then a problem. */
export function namesRetiredHost (reading: Reading, item: Item, address: string): boolean {
  if (!namesRetiredRetellHost(address)) return false
  reading.error(item, `Retell switched ${RETIRED_RETELL_HOST} off on 2026-09-30. Write sip.retellai.com instead.`)
  return true
}

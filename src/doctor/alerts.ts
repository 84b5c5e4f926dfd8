import type { Finding } from '../finding.ts'
import { jambonzAccess } from '../jambonz/api.ts'
import { accountApi, pageOf, readAlert, refused, rowsOf, type Alert } from '../diagnosis/jambonz-account.ts'
import type { Check } from './check.ts'
import { WAITS_FOR_JAMBONZ_API } from './waits-for.ts'

const DAY_MS = 24 * 3600 * 1000

/** What Jambonz itself complained of lately. */
export const alertsCheck: Check = {
  name: 'alerts',
  title: 'Has Jambonz raised alerts about this bridge in the last day?',
  readOnly: true,
  limitMs: 12_000,
  waitsFor: [WAITS_FOR_JAMBONZ_API],
  async run ({ settings, clock }, signal) {
    const access = jambonzAccess(settings)
    if (!access) {
      return [{
        code: 'jambonz-not-asked',
        severity: 'skipped',
        seen: "Jambonz's alerts were not checked: the Jambonz REST settings are not set",
        todo: 'Set JAMBONZ_REST_API_BASE_URL, JAMBONZ_ACCOUNT_SID and JAMBONZ_API_KEY'
      }]
    }
    const now = clock.now()
    const got = await accountApi(access, { signal }).get(`/Alerts?${pageOf(now - DAY_MS, now)}`)
    if (signal.aborted) return []
    return 'status' in got
      ? [refused('Alerts', got.status)]
      : alertFindings(rowsOf<Alert>(got.data), settings.PUBLIC_URL)
  }
}

/**
 * Alerts about hooks of this bridge, and those that name no hook and can be about its calls, by type. Their text stays
 * out: it may hold anything. Pure.
 */
export function alertFindings (alerts: readonly Alert[], publicUrl: string): Finding[] {
  const base = publicUrl.replace(/\/+$/, '')
  const kinds = new Map<string, { meaning: string, about: string, times: string[] }>()
  for (const alert of alerts) {
    const { name, meaning } = readAlert(alert)
    const ours = alert.message?.includes(base) === true
    if (meaning === undefined || (!ours && (name.startsWith('webhook') || /https?:\/\//.test(alert.message ?? '')))) {
      continue
    }
    const about = ours ? 'about hooks of this bridge' : 'in this account; Jambonz does not say of which application'
    const kind = kinds.get(`${name} ${about}`) ?? { meaning, about, times: [] }
    kind.times.push(alert.time ?? '')
    kinds.set(`${name} ${about}`, kind)
  }
  if (kinds.size === 0) {
    return [{
      code: 'jambonz-alerts-none',
      severity: 'ok',
      seen: 'Jambonz has no alert of the last 24 hours that could be about this bridge'
    }]
  }
  return [...kinds].map(([key, { meaning, about, times }]) => ({
    code: 'jambonz-alerts',
    severity: 'warning',
    seen: `${times.length}${times.length >= PAGE ? ' or more' : ''} × ${
      key.split(' ', 1)[0]
    } in the last 24 hours, ${about}${newest(times)}`,
    todo: meaning
  }))
}

/** Jambonz gives one page. */
const PAGE = 500

function newest (times: readonly string[]): string {
  const last = Math.max(...times.map(time => Date.parse(time)).filter(Number.isFinite))
  return Number.isFinite(last) ? `; the newest ${new Date(last).toISOString().replace(/\.\d+Z$/, 'Z')}` : ''
}

import { accountApi, refused } from '../diagnosis/jambonz-account.ts'
import type { Finding } from '../finding.ts'
import type { JambonzAccess } from '../jambonz/api.ts'
import type { PlacedWay } from '../routing/routes.ts'
import { jambonzRows } from './jambonz-rows.ts'
import { placeOf } from './place-of.ts'

/**
 * Whether Jambonz can speak what the routes say. Without credentials feature-server skips a `say` and goes on
 * (lib/tasks/say.js).
 */
export async function speechFindings (
  access: JambonzAccess,
  spoken: readonly PlacedWay[],
  signal: AbortSignal
): Promise<Finding[]> {
  const got = await accountApi(access, { signal }).get('/SpeechCredentials')
  if ('status' in got) return [refused('SpeechCredentials', got.status)]
  const usable = jambonzRows(got.data).filter(({ use_for_tts: tts }) => tts === true || tts === 1)
  const vendors = new Set(usable.map(({ vendor }) => vendor))
  const missing = spoken.filter(({ way }) =>
    way.strategy === 'say' && (way.vendor === undefined ? vendors.size === 0 : !vendors.has(way.vendor))
  )
  if (missing.length === 0) {
    return [{
      code: 'speech-credentials-ok',
      severity: 'ok',
      seen: `Jambonz has speech credentials for text-to-speech: ${[...vendors].join(', ')}`
    }]
  }
  return missing.slice(0, MOST).map((placed): Finding => ({
    code: 'speech-credentials-missing',
    // Those of the service provider serve its accounts, too, and an account's key does not show them.
    severity: 'warning',
    seen: `The Jambonz account has no speech credentials for text-to-speech${vendorOf(placed)} (${placeOf(placed)}). ` +
      'Unless its service provider has some, Jambonz skips the text, and callers hear nothing',
    todo: "Add them in Jambonz's portal under Speech, with text-to-speech switched on, or use `play`"
  }))
}

/** Ways that are named. */
const MOST = 3

const vendorOf = ({ way }: PlacedWay): string =>
  way.strategy === 'say' && way.vendor !== undefined ? ` of ${way.vendor}` : ''

import type { SayWay } from '../../calls/fold/way.ts'
import type { AnnounceStrategy } from './strategy.ts'

/** Way `say`: answers the caller and speaks, with the speech credentials that Jambonz has. */
export const say: AnnounceStrategy<SayWay> = {
  open: () => ({}),
  verb ({ text, language, voice, vendor }) {
    if (language === undefined && voice === undefined && vendor === undefined) return { verb: 'say', text }
    return {
      verb: 'say',
      text,
      // feature-server requires a vendor, and reads `default` as the application's.
      synthesizer: {
        vendor: vendor ?? 'default',
        ...(language === undefined ? {} : { language }),
        ...(voice === undefined ? {} : { voice })
      }
    }
  }
}

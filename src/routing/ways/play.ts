import type { PlayWay } from '../../calls/fold/way.ts'
import type { AnnounceStrategy } from './strategy.ts'

/** Way `play`: answers the caller and plays a recording. */
export const play: AnnounceStrategy<PlayWay> = {
  open: () => ({}),
  verb: ({ url }) => ({ verb: 'play', url })
}

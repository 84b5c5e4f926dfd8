import type { DeclineWay } from '../../calls/fold/way.ts'
import type { Strategy } from './strategy.ts'

/** Way `decline`: refuses the call. Nobody is dialled, so there is nothing to open. */
export const decline: Strategy<DeclineWay> = { open: () => ({}) }

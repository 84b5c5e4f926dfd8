import type { PlacedWay } from '../routing/routes.ts'

/** Where a way stands in the routes file. */
export const placeOf = ({ route, line }: Pick<PlacedWay, 'route' | 'line'>): string => `route "${route}", line ${line}`

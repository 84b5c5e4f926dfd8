import { readTarget } from './policy/dial-target.ts'
import type { RoutesTable } from './routes.ts'

/** The numbers that are ours, in the form that is shown to who is called: E.164, or as the file writes them. */
export const ownNumbers = ({ numbers, country }: Pick<RoutesTable, 'numbers' | 'country'>): string[] =>
  numbers.map(own => {
    const target = readTarget(own, country)
    return target.kind === 'number' ? target.number : own
  })

import type { ApplicationConfig, Plan, Way } from '../calls/fold/way.ts'

/**
 * Makes the plan of a call: the agent's room first, then the fallback number.
 * A fallback number that is the number the call came in on would come back to us as a new call, without end.
 */
export function planFor (app: ApplicationConfig, calledNumber: string): Plan {
  const ways: Way[] = [{ strategy: 'room', agent: app.agent }]
  if (app.fallbackNumber === undefined) return { ways }
  if (sameNumber(app.fallbackNumber, calledNumber)) return { ways, refused: 'fallback-is-called-number' }
  return { ways: [...ways, { strategy: 'phone', number: app.fallbackNumber }] }
}

/**
 * Whether two spellings name the same number: only digits count, and national and international prefixes may differ.
 */
function sameNumber (one: string, other: string): boolean {
  const [a, b] = [one, other].map(number =>
    number.replace(/^(sip|tel):/, '').split('@')[0]!.replace(/\D/g, '').replace(/^0+/, '')
  )
  if (!a || !b) return false
  return a === b || (Math.min(a.length, b.length) >= 7 && (a.endsWith(b) || b.endsWith(a)))
}

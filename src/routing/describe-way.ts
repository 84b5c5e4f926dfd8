import type { Way } from '../calls/fold/way.ts'

/** A way in one line, with the words of the routes file. */
export function describeWay (way: Way): string {
  switch (way.strategy) {
    case 'room':
      return `agent ${way.agent}`
    case 'phone': {
      const over = way.carrier === undefined ? '' : ` over ${way.carrier}`
      return `phone ${way.number}${over}${way.from === undefined ? '' : `, from ${way.from}`}`
    }
    case 'carrier':
      return `carrier ${way.carrier}, number ${way.number}`
    case 'retell':
      return `retell ${way.agent}${way.version === undefined ? '' : `, version ${way.version}`}`
    case 'sip':
      return `sip ${way.uri}`
    case 'say':
      return `say ${JSON.stringify(way.text)}`
    case 'play':
      return `play ${way.url}`
    case 'decline':
      return `decline ${way.status} ${way.reason}`
    case 'join':
      return "the caller's room"
  }
}

/** The number or address that a way dials, if it is one of the file's. */
export function dialledBy (way: Way): string | undefined {
  if (way.strategy === 'phone' || way.strategy === 'carrier') return way.number
  return way.strategy === 'sip' ? way.uri : undefined
}

/** Names of the environment variables that a way needs. */
export function variablesOf (way: Way): string[] {
  if (way.strategy === 'retell') return [way.key]
  return way.strategy === 'sip' && way.auth ? [way.auth.username, way.auth.password] : []
}

import type { Item, Reading } from './items.ts'
import { LONGEST } from './way-schemas.ts'

/** Reads a text of at most so many characters. */
export function limited (reading: Reading, item: Item, longest: number, example?: string): string | undefined {
  const text = reading.text(item, example)
  return text === undefined || text.length <= longest ? text : tooLong(reading, item, longest)
}

const tooLong = (reading: Reading, item: Item, longest: number): undefined =>
  reading.error(item, `This is too long: at most ${longest} characters.`)

/** Reads a mapping, as JSON. */
export function readObject (reading: Reading, item: Item): string | undefined {
  const fields = reading.mapping(item)
  if (!fields) return undefined
  const text = JSON.stringify(reading.json(item))
  return text.length <= LONGEST.metadata ? text : tooLong(reading, item, LONGEST.metadata)
}

/** Whether an address holds a password, which is then a problem. The address is not repeated. */
export function hasPassword (reading: Reading, item: Item, address: string): boolean {
  // Also where the rest is no address: it may still be a password.
  if (/^sips?:/i.test(address)) {
    if (!/^sips?:[^@;]*:.*@/i.test(address)) return false
    reading.error(item, 'Leave the password out of the address, and name the variables that hold it: ' +
      'auth: { username: PBX_USERNAME, password: PBX_PASSWORD }')
    return true
  }
  if (!/^[^/?#]*\/\/[^/?#]*@/.test(address)) return false
  reading.error(item, 'Leave user name and password out of the URL. Jambonz must be able to fetch it without them.')
  return true
}

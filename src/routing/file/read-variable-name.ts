import { isSetting } from '../../settings-schema.ts'
import type { Item, Reading } from './items.ts'
import type { RoutesContext } from './read-routes.ts'

/** Reads the name of an environment variable that holds a secret. What is not a name may be the secret: never shown. */
export function readVariableName (
  reading: Reading,
  item: Item,
  example: string,
  { secretOf }: RoutesContext
): string | undefined {
  const value = reading.json(item)
  if (typeof value !== 'string' || !looksLikeName(value)) {
    return reading.error(
      item,
      `The name of an environment variable belongs here, such as ${example}. Keep the value itself out of this file.`
    )
  }
  // Somebody who may write the file must not be able to send the bridge's own secrets to another server.
  if (isSetting(value)) {
    return reading.error(item, `${value} is a setting of the bridge itself. Use a variable of another name.`)
  }
  if (secretOf && !secretOf(value)) {
    const message = `The environment variable ${value} is not set. Calls cannot use this way until it is.`
    reading.warn(item, message, 'variable-missing')
  }
  return value
}

/** A key can be all capitals and digits, but then it is long and has no underscore. */
const looksLikeName = (text: string): boolean =>
  /^[A-Z_][A-Z0-9_]{0,63}$/.test(text) && (text.includes('_') || text.length < 20)

import { LiveKitError, RegistrationError } from './calls/ports.ts'
import { JambonzRestError } from './jambonz/rest.ts'

/** An error as it is logged. */
export interface LoggedError {
  type: string
  message: string
  code?: string
  stack?: string
}

/**
 * Turns an error into what may be logged of it. Only the texts of our own errors are known to hold no number, token or
 * credential; of any other error the log gets its type, its code and the frames of its stack.
 */
export function loggedError (error: unknown): LoggedError {
  if (isOurs(error)) return { type: error.name, message: error.message }

  const { name = 'Error', code, stack, message = '' } = (error ?? {}) as Error & { code?: string }
  if (code?.startsWith('BRIDGE_')) return { type: name, code, message }

  const frames = stack?.split('\n').filter(text => /^\s+at /.test(text)).join('\n')
  return { type: name, message: 'unexpected error', ...(code ? { code } : {}), ...(frames ? { stack: frames } : {}) }
}

const isOurs = (error: unknown): error is LiveKitError | RegistrationError | JambonzRestError =>
  error instanceof LiveKitError || error instanceof RegistrationError || error instanceof JambonzRestError

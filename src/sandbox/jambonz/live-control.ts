import { digitInfo } from './dtmf.ts'
import type { Dtmf } from './dtmf.ts'
import type { Hook } from './hooks.ts'
import { legPayload } from './payloads.ts'
import type { Session } from './session.ts'
import type { CallUpdate } from './update-call.ts'

/** Does what live call control asks for. */
export function controlCall (session: Session, update: CallUpdate): void {
  const { call_hook: callHook, call_status: callStatus, dtmf } = update
  if (callStatus === 'completed') session.hangUp()
  else if (callStatus === 'no-answer') session.noAnswer()
  else if (dtmf !== undefined) sendDigit(session, dtmf)
  // A hook that fails has raised an alert, and changes nothing.
  else if (callHook !== undefined) redirect(session, callHook).catch(() => {})
}

/** A digit for the caller's phone. An unanswered call gets none, and the SBC drops what is no digit. */
function sendDigit (session: Session, dtmf: Dtmf): void {
  if (!session.answered || session.gone || !/^[0-9*#]/.test(dtmf.digit)) return
  const { headers, body } = digitInfo(dtmf)
  session.outlive(session.caller.info(headers, body))
}

/**
 * Another call hook. The old application goes on until the new one has replied. An empty list ends the call. A reply
 * that is no list stops only the running verb (feature-server call-session, `_lccCallHook`).
 *
 * @throws {Error} when the hook fails or replies with invalid verbs
 */
async function redirect (session: Session, hook: Hook): Promise<void> {
  const reply = await session.hooks.post(hook, legPayload(session.leg))
  if (session.gone) return
  if (Array.isArray(reply)) session.replace(session.context.parse(reply))
  else session.skip()
}

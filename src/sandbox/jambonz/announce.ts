import type { Session } from './session.ts'
import { NonFatalError } from './verbs.ts'
import type { PlayVerb, SayVerb } from './verbs.ts'

/** How fast a synthesised voice speaks. */
const CHARACTERS_PER_S = 15
/** How long every recording is. */
const RECORDING_MS = 3000

/** How long a voice speaks a text, milliseconds. */
export const speakingMs = (text: string): number => Math.ceil(text.length / CHARACTERS_PER_S * 1000)

/**
 * The `say` verb. The caller is answered first, and then Jambonz looks for speech credentials: without them the verb
 * ends at once, and the next one runs. When the media server fails, the verbs end (feature-server say).
 *
 * @throws {Error} when the media server fails
 */
export async function say (session: Session, verb: SayVerb, signal: AbortSignal): Promise<void> {
  const { faults } = session.context
  await session.endpoint(verb.earlyMedia !== true)
  if (faults.say === 'no-credentials') return
  if (faults.say === 'error') throw new Error('the media server failed')

  await wait(session, speakingMs([verb.text].flat().join(' ')), signal)
}

/**
 * The `play` verb. The caller is answered first. When there is no file at the URL, the next verb runs (feature-server
 * play).
 *
 * @throws {NonFatalError} when there is no file
 */
export async function play (session: Session, verb: PlayVerb, signal: AbortSignal): Promise<void> {
  const { faults } = session.context
  await session.endpoint(verb.earlyMedia !== true)
  if (faults.play === 'not-found') throw new NonFatalError('File not found')

  await wait(session, [verb.url].flat().length * RECORDING_MS, signal)
}

/** Resolves after the time on the double's clock, or when the verb is stopped. */
export function wait ({ context }: Session, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    const cancel = context.clock.schedule(ms, resolve)
    signal.addEventListener('abort', () => {
      cancel()
      resolve()
    })
  })
}

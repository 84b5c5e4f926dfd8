import type { Finding } from '../finding.ts'
import { ProvisionError, readState } from '../provisioning/livekit.ts'
import type { ProvisionState } from '../provisioning/livekit-plan.ts'
import type { DoctorContext } from './check.ts'

const states = new WeakMap<DoctorContext, Promise<ProvisionState>>()

/**
 * Every trunk and rule of the project, asked for once in a run however many checks want it.
 * @throws {ProvisionError}
 */
export function livekitState (context: DoctorContext): Promise<ProvisionState> {
  let state = states.get(context)
  if (!state) states.set(context, state = readState(context.sip, context.settings.LIVEKIT_URL))
  return state
}

/** What a check finds in the project. Where the project cannot be read, the check `livekit-api` says why. */
export async function withState (
  context: DoctorContext,
  find: (state: ProvisionState) => Finding[]
): Promise<Finding[]> {
  let state: ProvisionState
  try {
    state = await livekitState(context)
  } catch (error) {
    if (!(error instanceof ProvisionError)) throw error
    return [{
      code: 'livekit-not-read',
      severity: 'skipped',
      seen: `LiveKit's trunks and rules cannot be read (${error.finding.code}): this waits for the check livekit-api`,
      todo: 'Fix what the check livekit-api found'
    }]
  }
  return find(state)
}

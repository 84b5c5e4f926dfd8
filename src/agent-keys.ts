import { warmTokenOf } from './agent-control.ts'
import { CALL_TOKEN_PREFIX, type CallTokens } from './call-token.ts'
import { AGENT_NAME } from './caller-keys.ts'
import type { Calls } from './calls/calls.ts'
import type { Call } from './calls/fold/call.ts'
import { roomNameOf } from './calls/fold/room-name.ts'
import type { Registry } from './calls/store/registry.ts'
import type { Clock } from './clock.ts'
import { CallTokenError } from './errors.ts'
import type { KeyHolder } from './keyring.ts'

export interface AgentKeys {
  /**
   * Finds out whose call a token is for.
   * @returns undefined when the text does not even look like the token of a call
   * @throws {CallTokenError} the token is wrong or expired, or its call is over or unknown
   * @throws {StoreUnavailableError}
   */
  holderOf(token: string): Promise<KeyHolder | undefined>
}

export interface AgentKeysOptions {
  tokens: CallTokens
  calls: Pick<Calls, 'find'>
  registry: Pick<Registry, 'findByName'>
  roomPrefix: string
  clock: Clock
}

/**
 * Makes the keys of agents: a token is worth something as long as its call lives. The token of an agent that waits in a
 * warm room is worth something once a call has that room.
 */
export function createAgentKeys ({ tokens, calls, registry, roomPrefix, clock }: AgentKeysOptions): AgentKeys {
  /** @param warmToken of the room that an agent waits in */
  async function callWithRoom (warmToken: string): Promise<Call | undefined> {
    const callSid = await registry.findByName(roomNameOf(roomPrefix, warmToken))
    if (callSid === undefined) throw new CallTokenError('No call has its room (yet, or any more)')
    return calls.find(callSid)
  }

  return {
    async holderOf (token) {
      if (!token.startsWith(CALL_TOKEN_PREFIX)) return undefined
      const known = tokens.read(token)
      if (!known) throw new CallTokenError('It is damaged, or was made with another LIVEKIT_API_SECRET')
      if (known.expiresAt <= clock.now()) throw new CallTokenError('It has expired')

      const warmToken = warmTokenOf(known.callSid)
      const call = await (warmToken === undefined ? calls.find(known.callSid) : callWithRoom(warmToken))
      if (!call) throw new CallTokenError('Its call is not known here (any more)')
      if (call.phase === 'ended') throw new CallTokenError('Its call has ended')
      return { name: AGENT_NAME, role: 'agent', callSid: call.callSid }
    }
  }
}

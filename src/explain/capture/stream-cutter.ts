import type { SipMessage } from '../../sip/message.ts'
import type { Endpoint } from './endpoint.ts'
import { createHepCutter } from './hep-stream.ts'
import { isHep3 } from './hep.ts'
import { createSipCutter } from './sip-bytes.ts'
import { createWebSocketCutter, startsWebSocket } from './websocket.ts'

/** A SIP message, and what its wrapper tells where that differs from the connection. */
export interface CarriedSip {
  message: SipMessage
  transport?: string
  source?: Endpoint
  destination?: Endpoint
  /** Milliseconds since the epoch. */
  at?: number
}

/** A framer for a connection of which the capture may lack parts: it finds the next message behind a gap. */
export interface StreamCutter {
  push(data: Buffer): CarriedSip[]
  /** Bytes are missing from here on. */
  gap(): void
  /** What there is of a message that never became whole. */
  end(): CarriedSip | undefined
}

/** A cutter that finds out from what it gets whether it has lost track. */
export interface WrappedCutter extends StreamCutter {
  readonly isLost: boolean
}

/** An HTTP message in front of WebSocket frames: the request to upgrade, or the answer to it (RFC 6455 4). */
const UPGRADE = /^(?:GET \S|HTTP\/1\.1 101 )/

/** Whether a segment begins with something in which SIP is wrapped. */
export const startsWrapped = (data: Buffer): boolean => isHep3(data) || startsWebSocket(data)

/** Cuts one direction of a TCP connection, which carries SIP as it is, in WebSocket frames or in HEP packets. */
export function createStreamCutter (): StreamCutter {
  const sip = createSipCutter()
  let wrapped: WrappedCutter | undefined

  function wrappedCutterFor (data: Buffer): WrappedCutter | undefined {
    if (isHep3(data)) return createHepCutter()
    return startsWebSocket(data) ? createWebSocketCutter() : undefined
  }

  return {
    push (data) {
      const rest = behindUpgrade(data)
      wrapped ??= wrappedCutterFor(rest)
      if (!wrapped) return sip.push(data)

      const messages = wrapped.push(rest)
      if (wrapped.isLost) wrapped = undefined
      return messages
    },
    gap () {
      wrapped = undefined
      sip.gap()
    },
    end () {
      return wrapped ? wrapped.end() : sip.end()
    }
  }
}

function behindUpgrade (data: Buffer): Buffer {
  if (!UPGRADE.test(data.toString('latin1', 0, 16))) return data
  const end = data.indexOf('\r\n\r\n')
  return end < 0 ? data : data.subarray(end + 4)
}

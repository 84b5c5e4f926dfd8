import { cseq, header, type SipMessage } from '../sip/message.ts'
import { SipParseError } from '../sip/parse-error.ts'
import { endpointText } from './capture/endpoint.ts'
import type { RtpCounts, Seen, SipSeen } from './seen.ts'

export interface KeepLimits {
  /** Messages, hooks and log lines. */
  most: number
  /** Characters of SIP. */
  characters: number
}

export const DEFAULT_LIMITS: KeepLimits = { most: 100_000, characters: 96 * 1024 * 1024 }

/** What was read, within bounds. */
export interface Keep {
  add(seen: Seen): void
  readonly seen: Seen[]
  readonly rtp: RtpCounts
  /** Left out for want of room. */
  readonly leftOut: number
  /** OPTIONS, REGISTER and the like: no part of any call. */
  readonly noise: number
  /** Packets that a capture on several interfaces has twice. */
  readonly twice: number
}

/** Methods that make or end no call (RFC 3261 10, 11; 3903; 6665; 3428). */
const NOISE = new Set(['OPTIONS', 'REGISTER', 'SUBSCRIBE', 'PUBLISH', 'MESSAGE'])
/** Nobody retransmits this soon (T1 is 500 ms, RFC 3261 17.1.1.1): the same packet on two interfaces. */
const TWICE_MS = 40

export function createKeep (limits: KeepLimits = DEFAULT_LIMITS): Keep {
  const seen: Seen[] = []
  const recent = new Map<string, number>()
  let characters = 0
  let leftOut = 0
  let noise = 0
  let twice = 0

  function isTwice (sip: SipSeen): boolean {
    // Without headers nothing says that two packets are the same.
    if (sip.at === undefined || !sip.source || !sip.destination || sip.startLineOnly) return false
    const { message } = sip
    const start = message.kind === 'request' ? message.method : message.status
    const key = [
      start,
      header(message, 'via'),
      header(message, 'cseq'),
      header(message, 'call-id'),
      endpointText(sip.source),
      endpointText(sip.destination)
    ].join('|')
    const before = recent.get(key)
    recent.delete(key)
    recent.set(key, sip.at)
    if (recent.size > 512) recent.delete(recent.keys().next().value!)
    return before !== undefined && Math.abs(sip.at - before) < TWICE_MS
  }

  return {
    seen,
    rtp: new Map(),
    get leftOut () {
      return leftOut
    },
    get noise () {
      return noise
    },
    get twice () {
      return twice
    },
    add (item) {
      if (item.kind === 'sip') {
        if (NOISE.has(methodOf(item.message))) {
          noise++
          return
        }
        if (isTwice(item)) {
          twice++
          return
        }
        const size = sizeOf(item.message)
        if (characters + size > limits.characters) {
          leftOut++
          return
        }
        characters += size
      }
      if (seen.length >= limits.most) {
        leftOut++
        return
      }
      seen.push(item)
    }
  }
}

/** The method of a request, or of the request that a response answers. */
export function methodOf (message: SipMessage): string {
  if (message.kind === 'request') return message.method
  try {
    return cseq(message).method
  } catch (error) {
    if (error instanceof SipParseError) return ''
    throw error
  }
}

const sizeOf = ({ headers, body }: SipMessage): number =>
  headers.reduce((sum, { name, value }) => sum + name.length + value.length, body.length)

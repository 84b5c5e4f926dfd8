import type { SipResponse } from '../../sip/message.ts'

/** The SIP side of the caller leg. It is the same for calls that came in and for calls that Jambonz placed. */
export interface CallerLeg {
  /** Identity and privacy headers of the caller's INVITE, which Jambonz copies to the agent leg. */
  identity: Record<string, string>
  /** The session description of the caller's INVITE; '' when there is none. */
  offer: string
  early(): void
  answer(): void
  reject(status: number, reason: string | undefined, headers?: Record<string, string>): void
  bye(headers?: Record<string, string>): Promise<unknown>
  info(headers: Record<string, string>, body: string): Promise<unknown>
  refer(to: string, headers: Record<string, string>): Promise<SipResponse>
}

/** How a REFER is answered. */
export interface ReferAnswer {
  status: number
  reason?: string
}

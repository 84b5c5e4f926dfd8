/** Somebody who takes calls from Jambonz or LiveKit, known by the host that is dialled or by how it names itself. */
export interface Carrier {
  name: string
  host?: RegExp
  /** Its Server or User-Agent header. */
  agent?: RegExp
  /** It takes numbers in E.164, with the +. */
  e164?: true
}

/** SIP domains and headers of carriers and PBXs, from their public documentation. */
export const CARRIERS: readonly Carrier[] = [
  { name: 'Twilio', host: /(?:^|\.)(?:pstn|sip)(?:\.[a-z0-9-]+){0,2}\.twilio\.com$/i, agent: /^Twilio\b/i, e164: true },
  { name: 'Telnyx', host: /(?:^|\.)telnyx\.com$/i, agent: /\bTelnyx\b/i, e164: true },
  { name: 'Vonage', host: /(?:^|\.)(?:sip|sip-us|sip-eu|sip-ap)[a-z0-9.-]{0,40}\.(?:nexmo|vonage)\.com$/i },
  { name: 'Plivo', host: /(?:^|\.)plivo\.com$/i, agent: /\bPlivo\b/i },
  { name: 'SignalWire', host: /(?:^|\.)signalwire\.com$/i, agent: /\bSignalWire\b/i, e164: true },
  { name: 'Bandwidth', host: /(?:^|\.)bandwidth\.com$/i, e164: true },
  { name: 'Microsoft Teams', host: /(?:^|\.)pstnhub\.microsoft\.com$/i, agent: /^Microsoft\.PSTNHub/i },
  { name: 'Asterisk', agent: /^(?:Asterisk|FPBX|FreePBX)/i },
  { name: 'FreeSWITCH', agent: /FreeSWITCH/i }
]

/** Whether this host is a carrier's. */
export const isCarrierHost = (host: string): boolean => CARRIERS.some(({ host: known }) => known?.test(host) === true)

/**
 * Who is dialled.
 * @param agent Server or User-Agent header of a response
 */
export const carrierOf = (host: string, agent = ''): Carrier | undefined =>
  CARRIERS.find(({ host: known }) => known?.test(host) === true) ??
    CARRIERS.find(({ agent: known }) => known?.test(agent) === true)

import type { SIPDispatchRuleInfo, SIPInboundTrunkInfo, SIPOutboundTrunkInfo } from 'livekit-server-sdk'

const titled = (id: string, name: string): string =>
  [id, name === '' ? '' : `"${name}"`].filter(part => part !== '').join(' ') || '(without id)'

export const trunkTitle = ({ sipTrunkId, name }: SIPInboundTrunkInfo | SIPOutboundTrunkInfo): string =>
  titled(sipTrunkId, name)

export const ruleTitle = ({ sipDispatchRuleId, name }: SIPDispatchRuleInfo): string => titled(sipDispatchRuleId, name)

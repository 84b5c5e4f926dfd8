import type { SIPDispatchRuleInfo, SIPInboundTrunkInfo, SIPOutboundTrunkInfo } from 'livekit-server-sdk'
import type { Finding } from '../../finding.ts'
import { isOurs } from '../../provisioning/livekit-wish.ts'
import { ruleTitle, trunkTitle } from './titles.ts'
import { withoutUser } from '../../sip/without-user.ts'

/*
 * What is wrong with a trunk or rule by itself, besides what the review of a project finds.
 */

const present = (findings: ReadonlyArray<Finding | false>): Finding[] => findings.filter(finding => finding !== false)

/** Numbers as people dial them at home: carriers send +, country code and number. */
const isNational = (number: string): boolean => /^0[\d\-() ]+$/.test(number)

/** A number with a character that no number has, or a SIP URI in place of one. */
const isOdd = (number: string): boolean => /^(?:sips?|tel):/i.test(number) || /^\+.*[^\d\-() ]/.test(number)

export function inboundTrunkFindings (trunk: SIPInboundTrunkInfo): Finding[] {
  const { numbers } = trunk
  const doubtful = numbers.filter(number => isNational(number) || isOdd(number))
  return present([
    doubtful.length > 0 && {
      code: 'trunk-number-form',
      severity: 'warning',
      seen: `Inbound trunk ${trunkTitle(trunk)} lists ${some(doubtful)}: LiveKit takes a call only when the user ` +
        'part of its To header is that number, and most carriers send +, country code and number.',
      todo: 'Write the numbers as the carrier sends them, mostly in E.164: +, country code, number'
    }
  ])
}

/** @param agentsUnshown the files do not show which agents it names */
export function ruleFindings (rule: SIPDispatchRuleInfo, agentsUnshown: boolean): Finding[] {
  const who = `Dispatch rule ${ruleTitle(rule)}`
  const target = rule.rule?.rule
  const bare = [...rule.numbers, ...rule.inboundNumbers].filter(number => /^[\d\-() ]+$/.test(number))
  const pin = target?.case === undefined ? '' : target.value.pin
  const agents = rule.roomConfig?.agents.map(({ agentName }) => agentName).filter(name => name !== '') ?? []
  return present([
    bare.length > 0 && {
      code: 'rule-number-form',
      severity: 'warning',
      seen: `${who} lists ${some(bare)} without +. LiveKit compares the numbers of a rule as they are written, ` +
        'and most carriers send +, country code and number.',
      todo: 'Write the numbers as the carrier sends them'
    },
    pin !== '' && {
      code: 'rule-pin',
      severity: 'warning',
      seen: `${who} asks callers for a PIN before they get into the room.`,
      todo: 'Take the PIN off the rule, unless callers are meant to type it'
    },
    sharedRoom(rule),
    !agentsUnshown && agents.length === 0 && !isOurs(rule) && {
      code: 'rule-without-agent',
      severity: 'skipped',
      seen: `${who} names no agent: its rooms get workers that are registered without an agent name, unless the room ` +
        'was made with an agent or somebody dispatches one.',
      todo: 'If the worker has an agent_name, put it into room_config.agents of the rule'
    }
  ])
}

/** Calls that meet in one room. */
function sharedRoom (rule: SIPDispatchRuleInfo): Finding | false {
  const target = rule.rule?.rule
  const who = `Dispatch rule ${ruleTitle(rule)}`
  if (target?.case === 'dispatchRuleDirect') {
    return {
      code: 'rule-shared-room',
      severity: 'warning',
      seen: `${who} puts every call into the room ${target.value.roomName}: callers at the same time hear each ` +
        'other, and share one agent.',
      todo: 'Use an individual rule if each caller is to have a room'
    }
  }
  if (target?.case !== 'dispatchRuleCallee' || target.value.randomize || isOurs(rule)) return false
  return {
    code: 'rule-shared-room',
    severity: 'warning',
    seen: `${who} puts all calls to one number into one room: callers at the same time hear each other, and share ` +
      'one agent.',
    todo: 'Set randomize, unless each call dials a name of its own'
  }
}

export function outboundTrunkFindings (trunk: SIPOutboundTrunkInfo): Finding[] {
  const { address, numbers, authUsername, authPassword } = trunk
  const who = `Outbound trunk ${trunkTitle(trunk)}`
  const shown = withoutUser(address)
  const bare = numbers.filter(number => /^[\d\-() ]{7,}$/.test(number))
  return present([
    address === '' && {
      code: 'outbound-address-form',
      severity: 'failed',
      seen: `${who} has no address, so LiveKit can place no call over it.`,
      todo: "Give it the carrier's host, like example.pstn.twilio.com"
    },
    /^sips?:|@|\/\//i.test(address) && {
      code: 'outbound-address-form',
      severity: 'failed',
      seen: `${who} has the address "${shown.slice(0, 100)}": LiveKit takes a host, maybe with a port, and no URI.`,
      todo: "Write the carrier's host alone, like example.pstn.twilio.com"
    },
    /(?:^|\.)sip\.twilio\.com$/i.test(address) && {
      code: 'outbound-address-form',
      severity: 'warning',
      seen: `${who} dials ${shown}, a SIP domain of Twilio: calls there run TwiML, and reach no phone by themselves.`,
      todo: 'To reach phones, use the termination URI of a trunk: <name>.pstn.twilio.com'
    },
    (authUsername !== '') !== (authPassword !== '') && {
      code: 'trunk-half-credentials',
      severity: 'warning',
      seen: `${who} has ${authUsername === '' ? 'a password without user name' : 'a user name without password'}.`,
      todo: 'Set both'
    },
    numbers.length === 0 && {
      code: 'outbound-number-form',
      severity: 'warning',
      seen: `${who} has no numbers: LiveKit takes no such trunk (livekit/protocol livekit/sip.go).`,
      todo: 'Give it the numbers from which it may call, or "*" if each call names its own (sip_number)'
    },
    bare.length > 0 && {
      code: 'outbound-number-form',
      severity: 'warning',
      seen: `${who} calls from ${some(bare)} without +: many carriers refuse a caller id that is not in E.164 (403).`,
      todo: 'Write the numbers in E.164: +, country code, number'
    }
  ])
}

const some = (numbers: readonly string[]): string =>
  numbers.length === 1 ? numbers[0]!.slice(0, 40) : `${numbers[0]!.slice(0, 40)} and ${numbers.length - 1} more`

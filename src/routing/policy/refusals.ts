/** Why a number is not dialled: a closed list. */
export const REFUSALS = [
  'no-policy',
  'nothing-allowed',
  'not-allowed',
  'denied',
  'own-number',
  'premium-rate',
  'shared-cost',
  'no-country',
  'invalid',
  'short-code',
  'emergency',
  'national',
  'unreadable',
  'sip-headers',
  'sip-host',
  'sip-target',
  'service-code',
  'concurrent',
  'per-minute',
  'per-day',
  'per-caller-per-day',
  'store-unavailable'
] as const
export type Refusal = typeof REFUSALS[number]

const IN_FULL = 'Only `policy.allow` with the full number opens it.'
const WAIT = 'or raise it in the routes file.'

/** By reason, with the entry, country or host that it is about. */
const SENTENCES: Record<Refusal, (rule: string) => string> = {
  'no-policy': () =>
    'There is no number policy, so nothing may be dialled. Write the countries or prefixes that may be called in the ' +
    'routes file, such as `policy: { allow: [DE, "+1555"] }`.',
  'nothing-allowed': () =>
    '`policy.allow` is empty, so nothing may be dialled. Write the countries or prefixes that may be called there.',
  'not-allowed': rule =>
    rule === ''
      ? 'The number is not in `policy.allow`. Add to it the full number, or a prefix that goes beyond the country code.'
      : `The number is of ${rule}, which is not in \`policy.allow\`. Add it, a prefix or the full number.`,
  denied: rule =>
    `\`policy.deny\`${rule && ` (${rule})`} covers the number, and wins over \`policy.allow\`. Remove that entry.`,
  'own-number': () => `The number is one of \`numbers\`: the call would come back to us. ${IN_FULL}`,
  'premium-rate': () => `The number is a premium rate one. ${IN_FULL}`,
  'shared-cost': () => `The number is a shared cost one. ${IN_FULL}`,
  'no-country': () => `The number belongs to no country: a satellite or international service. ${IN_FULL}`,
  invalid: () =>
    'Nobody is known to have such a number. Only `policy.allow` with the full number opens it, or with a prefix that ' +
    'goes beyond the country code, such as "+1555".',
  'short-code': () => `The number is a short code or an extension without a host. ${IN_FULL}`,
  emergency: () => `The number is an emergency number. ${IN_FULL}`,
  national: () =>
    'The number is not written internationally. Begin it with + and the country code, or set `defaults.country` in ' +
    'the routes file.',
  unreadable: () => 'The target is neither a phone number nor a plain SIP URI.',
  'sip-headers': () =>
    'The SIP URI carries headers or a password, which are never passed on. Ask for the address without them.',
  'sip-host': rule => `The host${rule && ` ${rule}`} of the SIP URI is not in \`policy.sip\`. Add it there.`,
  'sip-target': () => 'The target is a SIP URI. Only transfers may go to one, so give a phone number.',
  'service-code': () =>
    'The user of the SIP URI has * or #, which its host takes for a command. Give an extension or a number.',
  concurrent: () => `\`policy.concurrent\` calls are under way. Wait until one has ended, ${WAIT}`,
  'per-minute': () => `\`policy.per_minute\` is used up. Wait a minute, ${WAIT}`,
  'per-day': () => `\`policy.per_day\` is used up for the last 24 hours. Wait, ${WAIT}`,
  'per-caller-per-day': () =>
    `\`policy.per_caller_per_day\` is used up for this caller in the last 24 hours. Wait, ${WAIT}`,
  'store-unavailable': () =>
    'The store of calls cannot be used, so what `policy` limits cannot be counted. Check Redis and REDIS_URL.'
}

/**
 * Says in plain words what refused a number, and what to write in the routes file to allow it.
 * @param rule the entry, country or host that it is about
 */
export const explainRefusal = (reason: Refusal, rule = ''): string => SENTENCES[reason](rule)

export const isRefusal = (text: string): text is Refusal => (REFUSALS as readonly string[]).includes(text)

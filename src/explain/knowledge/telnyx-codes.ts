/** What the code at the end of a reason phrase of Telnyx means: `403 Caller Origination Number is Invalid D35`. */
interface TelnyxCode {
  code: string
  /** A sentence without its period. */
  means: string
  todo: string
}

const LIMIT = 'End calls first, or raise the limit of concurrent calls in the Telnyx portal'

/** https://developers.telnyx.com/docs/voice/sip-trunking/troubleshooting/response-codes */
const TELNYX_CODES: readonly TelnyxCode[] = [
  { code: 'D1', means: 'The account has as many outbound calls at once as it may have', todo: LIMIT },
  { code: 'D2', means: 'The outbound voice profile has as many calls at once as it may have', todo: LIMIT },
  { code: 'D3', means: 'The SIP connection has as many calls at once as it may have', todo: LIMIT },
  {
    code: 'D11',
    means: 'The number that was dialled is invalid',
    todo: 'Dial in E.164: +, country code, number'
  },
  {
    code: 'D12',
    means: "The outbound voice profile's service plan does not allow this number",
    todo: 'Change the service plan of the outbound voice profile'
  },
  {
    code: 'D13',
    means: 'The outbound voice profile does not allow calls to this country',
    todo: "Add the country to the outbound voice profile's allowed destinations"
  },
  { code: 'D18', means: 'The SIP connection is not active', todo: 'Activate the SIP connection in the Telnyx portal' },
  { code: 'D19', means: 'The account is blocked', todo: 'Look at the balance and the payment method' },
  { code: 'D21', means: 'No destination belongs to the number', todo: 'Check the number that was dialled' },
  { code: 'D22', means: 'A limit of channels is reached', todo: LIMIT },
  {
    code: 'D24',
    means: 'The call costs more per minute than the outbound voice profile allows',
    todo: 'Raise the highest rate of the outbound voice profile'
  },
  {
    code: 'D35',
    means: 'Telnyx does not accept the caller id: it has to be a number in E.164',
    todo: 'Send a number of the account in E.164 as From user, or set a caller id override on the SIP connection'
  },
  {
    code: 'D36',
    means: "The caller id is another account's number",
    todo: 'Call from a number of this account'
  },
  {
    code: 'D38',
    means: 'The SIP connection has no outbound voice profile',
    todo: 'Assign an outbound voice profile to the SIP connection'
  },
  {
    code: 'D40',
    means: 'Telnyx has no way to this number now',
    todo: 'Check the number, then ask the support of Telnyx'
  }
]

/** What a reason phrase says more exactly than its status. */
export function telnyxCode (reason: string): TelnyxCode | undefined {
  const code = /\bD\d{1,2}$/.exec(reason.slice(-20).trim())?.[0]
  return TELNYX_CODES.find(known => known.code === code)
}

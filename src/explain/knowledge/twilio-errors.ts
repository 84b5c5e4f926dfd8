/** An error of Twilio, as its debugger, its alerts and the header X-Twilio-Error name it. */
interface TwilioError {
  code: number
  /** What it means for the call: a sentence without its period. */
  means: string
  todo: string
}

const GEO_PERMISSIONS = "Allow this country in Twilio's console: Voice, Settings, Geo permissions"

const WEBHOOK = 'A number with a Voice URL does not reach its trunk: take the URL off the number, or repair the webhook'

/** https://www.twilio.com/docs/api/errors/<code> */
export const TWILIO_ERRORS: readonly TwilioError[] = [
  {
    code: 10001,
    means: 'The Twilio account is not active',
    todo: 'Check the balance and the state of the account'
  },
  {
    code: 10003,
    means: 'Twilio rejected an incoming call because the account is not active',
    todo: 'Check the balance and the state of the account'
  },
  {
    code: 10004,
    means: 'The account has as many calls at once as it may have',
    todo: 'Wait until calls have ended, or have Twilio raise the limit'
  },
  {
    code: 11200,
    means: "Twilio got no usable answer from a webhook's URL",
    todo: WEBHOOK
  },
  {
    code: 11205,
    means: "Twilio could not connect to a webhook's URL",
    todo: WEBHOOK
  },
  {
    code: 11210,
    means: "The host name of a webhook's URL does not exist",
    todo: WEBHOOK
  },
  {
    code: 11220,
    means: "TLS with the host of a webhook's URL failed",
    todo: WEBHOOK
  },
  {
    code: 13214,
    means: 'Twilio does not accept the caller id: it has to be a Twilio number or a verified one',
    todo: "Call from a number of the Twilio account, or verify the caller id in Twilio's console"
  },
  {
    code: 13223,
    means: 'The number is in no form that Twilio reads',
    todo: 'Dial in E.164: +, country code, number, without spaces or dashes'
  },
  {
    code: 13224,
    means: 'The number is not in E.164 (with the +), does not exist, or is one that Twilio does not reach',
    todo: 'Dial in E.164 with the +, and check that the number is in use'
  },
  {
    code: 13225,
    means: 'Twilio does not call this number: it is blocked or restricted',
    todo: 'Ask the support of Twilio if the number should be called'
  },
  { code: 13226, means: 'The country code does not exist', todo: 'Dial in E.164: +, country code, number' },
  { code: 13227, means: "The account's geo permissions do not allow calls to this destination", todo: GEO_PERMISSIONS },
  {
    code: 13243,
    means: 'The SIP address that was dialled is not well formed',
    todo: 'Write it as sip:user@host'
  },
  {
    code: 14111,
    means: 'A trial account calls verified numbers only',
    todo: "Upgrade the account, or verify the number in Twilio's console"
  },
  {
    code: 21210,
    means: "The caller's number is neither a number of the account nor a verified one",
    todo: "Call from a number of the Twilio account, or verify the caller id in Twilio's console"
  },
  {
    code: 21211,
    means: 'The number that was to be called is not valid',
    todo: 'Dial in E.164: +, country code, number'
  },
  {
    code: 21212,
    means: "The caller's number is not valid",
    todo: 'Call from a number of the Twilio account, in E.164'
  },
  { code: 21215, means: "The account's geo permissions do not allow calls to this destination", todo: GEO_PERMISSIONS },
  {
    code: 21216,
    means: 'Twilio does not call this number: it is blocked or restricted',
    todo: 'Ask the support of Twilio if the number should be called'
  },
  {
    code: 21217,
    means: 'The number is in no form that Twilio reads',
    todo: 'Dial in E.164: +, country code, number, without spaces or dashes'
  },
  {
    code: 21219,
    means: 'A trial account calls verified numbers only',
    todo: "Upgrade the account, or verify the number in Twilio's console"
  },
  {
    code: 32001,
    means: 'More calls per second went over the trunk than its limit allows',
    todo: 'Start fewer calls per second, or raise the limit of the trunk under Termination'
  },
  {
    code: 32002,
    means: 'There is no SIP domain with the name that was dialled',
    todo: "Compare the domain with the one in Twilio's console: a termination URI is <name>.pstn.twilio.com"
  },
  {
    code: 32005,
    means: 'Voice calls are switched off for this account',
    todo: 'Ask the support of Twilio'
  },
  {
    code: 32009,
    means: 'The SIP user that was dialled is not registered with the SIP domain',
    todo: 'Check that the phone is registered, and the spelling of its name'
  },
  {
    code: 32010,
    means: 'The trunk has no valid origination URI',
    todo: "Enter the SBC's address as origination URI of the trunk"
  },
  {
    code: 32011,
    means: 'Twilio got an error from the SIP server that it called, or no answer in time',
    todo:
      "Check the origination URI (host, port, transport), and that the firewall lets in Twilio's signalling " +
      'addresses; the alert names the status'
  },
  {
    code: 32012,
    means: 'More calls per second went over the trunks of the account than its limit allows',
    todo: 'Start fewer calls per second, or have Twilio raise the limit'
  },
  {
    code: 32013,
    means: 'More calls per second went over the SIP domains of the account than its limit allows',
    todo: 'Start fewer calls per second, or have Twilio raise the limit'
  },
  {
    code: 32014,
    means: 'Twilio ended the call because it heard no audio',
    todo: 'Let RTP through in both directions, and announce a public address in the SDP'
  },
  {
    code: 32015,
    means: 'The call reached the longest time that Twilio allows',
    todo: "Raise the account's limit, or end calls before it"
  },
  {
    code: 32016,
    means: 'The telephone network did not answer in time',
    todo: 'Call again; if it is so for every number, ask the support of Twilio'
  },
  {
    code: 32017,
    means: 'The carrier of the called number blocked the call because of the calling number',
    todo: 'Register the caller id (SHAKEN/STIR, Voice Integrity), and call from a number with a good name'
  },
  {
    code: 32100,
    means: 'A trial account calls from and to verified numbers only',
    todo: "Upgrade the account, or verify the numbers in Twilio's console"
  },
  {
    code: 32101,
    means: 'The called number is not valid E.164',
    todo: 'Dial in E.164 with the +'
  },
  {
    code: 32105,
    means: 'The Contact of the INVITE is 127.0.0.1 or localhost',
    todo: 'Announce a public address in the Contact'
  },
  {
    code: 32106,
    means: 'Twilio refused the credentials: the user name of the authorization is not that of the caller',
    todo: 'Use the same user name in both'
  },
  {
    code: 32200,
    means: 'The account is not active, or the trunk has no way to authenticate callers',
    todo: 'Give the trunk a credential list or an IP access control list, under Termination'
  },
  {
    code: 32201,
    means: "The INVITE came from an address that is not on the trunk's IP access control list",
    todo: "Add the sender's public address to the list, under Termination of the trunk"
  },
  {
    code: 32202,
    means: "User name or password fit no entry of the trunk's credential list",
    todo: 'Compare them with the credential list, under Termination of the trunk'
  },
  {
    code: 32203,
    means:
      'Twilio blocked the call: a destination with a high risk of fraud, one that rules forbid, or a +1 number and ' +
      'no primary customer profile',
    todo: "Create the customer profile in Twilio's Trust Hub, or ask its support to unblock the number"
  },
  {
    code: 32204,
    means: "The caller's number (From) is neither a number of the account nor a verified one",
    todo: "Call from a number of the Twilio account, or verify the caller id in Twilio's console"
  },
  { code: 32205, means: "The account's geo permissions do not allow calls to this destination", todo: GEO_PERMISSIONS },
  {
    code: 32206,
    means: 'The From number is no valid number in E.164, or is on a do-not-originate list',
    todo: 'Call from a number of yours, in E.164 with the +'
  },
  {
    code: 32207,
    means: 'The INVITE offers SRTP, and the trunk does not take it',
    todo: 'Switch on Secure Trunking, or offer RTP'
  },
  {
    code: 32208,
    means: 'The trunk takes SRTP only, and the INVITE offers RTP',
    todo: 'Offer SRTP over TLS, or switch off Secure Trunking'
  },
  {
    code: 32214,
    means: 'TwiML dialled a SIP domain of another Twilio account',
    todo: 'Dial only SIP domains of the same account'
  },
  {
    code: 32218,
    means: 'The trunk does not allow this transfer (REFER)',
    todo: 'Enable Call Transfer (SIP REFER) on the trunk, and transfers to the PSTN for phone numbers'
  },
  {
    code: 32219,
    means: 'Twilio did not follow the redirect',
    todo: 'Redirect to a public SIP URI that is not one of Twilio'
  },
  {
    code: 32223,
    means: 'A SIP domain of Twilio was dialled without a user name',
    todo: 'To reach phones, dial the termination URI of a trunk: <name>.pstn.twilio.com'
  },
  {
    code: 32224,
    means: 'Twilio blocked a forwarded call: a rule of the region forbids it',
    todo: 'Forward within the same country'
  }
]

/**
 * What an error of Twilio means.
 * @param text its code, alone or in front of its message, as X-Twilio-Error has it
 */
export function twilioError (text: string | number): TwilioError | undefined {
  const code = /^\s*(\d{5})\b/.exec(String(text).slice(0, 40))?.[1]
  return code === undefined ? undefined : TWILIO_ERRORS.find(error => error.code === Number(code))
}

import t from 'tap'
import { JAMBONZ_ALERT_RULES } from '../../src/explain/knowledge/jambonz-alerts.ts'
import { TWILIO_ERRORS } from '../../src/explain/knowledge/twilio-errors.ts'
import { explainedAll, findingsOf } from '../fixtures/explained.ts'
import { dialledRecord, jambonzAlert, page, twilioAlert, twilioCall } from '../fixtures/exports.ts'

/** The types of jambonz time-series index.js, with the beginning of the text that it gives them. */
const TYPES: ReadonlyArray<[type: string, message: string, code: string]> = [
  ['webhook-failure', 'https://bridge.example.com/livekit-api returned 502', 'log-hook-status'],
  ['webhook-connection-failure', 'failed to connect to https://bridge.example.com/status', 'log-hook-failed'],
  ['webhook-url-notfound', 'webhook url not found: https://bridge.example.com', 'log-hook-status'],
  ['webhook-auth-failure', 'authentication failure: https://bridge.example.com', 'log-hook-status'],
  ['invalid-app-payload', 'https://bridge.example.com return invalid app payload', 'log-application-refused'],
  ['no-tts', 'text to speech credentials for example have not been provisioned', 'alert-speech'],
  ['no-stt', 'speech to text credentials for example have not been provisioned', 'alert-speech'],
  ['no-llm', 'large language model credentials for example have not been provisioned', 'alert-speech'],
  ['tts-failure', 'text to speech request to example failed', 'alert-speech'],
  ['stt-failure', 'speech to text request to example failed', 'alert-speech'],
  ['llm-failure', 'large language model request to example failed', 'alert-speech'],
  ['no-carrier', 'outbound call failure: no carriers have been provisioned', 'log-no-carrier'],
  ['account-call-limit', 'you have exceeded your account call limit of 5', 'log-limit-exceeded'],
  ['account-device-limit', 'you have exceeded your account limit of 5 registered devices', 'alert-limit'],
  ['account-api-limit', 'you have exceeded your account api limit of 5', 'alert-limit'],
  ['service-provider-call-limit', 'you have exceeded your service provider call limit of 5', 'log-limit-exceeded'],
  ['service-provider-device-limit', 'you have exceeded your service provider limit of 5', 'alert-limit'],
  ['service-provider-api-limit', 'you have exceeded your service provider api limit of 5', 'alert-limit'],
  ['account is inactive or suspended', 'account is inactive or suspended', 'alert-account'],
  ['play-url-notfound', 'The file at https://example.com/a.mp3 was not found', 'alert-play'],
  ['tts-streaming-connection-failure', 'Failed to connect to tts streaming service at example', 'alert-speech'],
  ['wallet-depleted', 'your prepaid wallet is out of funds', 'alert-account'],
  ['error-updating-call', 'error updating call', 'jambonz-alert'],
  ['something-new', 'words of a later version', 'jambonz-alert']
]

await t.test('each type of alert of Jambonz', async t => {
  for (const [type, message, code] of TYPES) {
    const explanation = await explainedAll([page(jambonzAlert(type, message))])
    t.strictSame(findingsOf(explanation).map(finding => finding.code), [code], type)
    t.ok(findingsOf(explanation)[0]?.seen.includes(type), 'with its type')
  }
  const codes = new Set(TYPES.map(([, , code]) => code))
  t.strictSame(JAMBONZ_ALERT_RULES.filter(rule => !codes.has(rule.code)), [], 'no rule without a type')
})

await t.test('the status that a webhook was answered with is told', async t => {
  const alert = jambonzAlert('webhook-failure', 'https://bridge.example.com/livekit-api returned 502')
  t.match(findingsOf(await explainedAll([page(alert)]))[0]?.seen, /answered with 502/)
})

await t.test('several alerts of several types, and one that belongs to a call', async t => {
  const explanation = await explainedAll([
    page(
      jambonzAlert('no-carrier', 'outbound call failure'),
      jambonzAlert('invalid-app-payload', 'call hook: TimeoutError', {
        target_sid: '0f7a2c5e-0000-4000-8000-000000000077'
      })
    ),
    page(dialledRecord())
  ])
  t.strictSame(explanation.findings.map(({ code }) => code), ['log-no-carrier'])
  t.match(explanation.calls[0], { end: { cause: 'livekit-no-route' }, sources: { records: 1, logs: 1 } })
})

await t.test('Twilio: an alert by its code, in the forms of API, debugger and console', async t => {
  const alert = twilioAlert('32011', 'Msg=Request+timeout&sipResponse=408')
  const debuggerHook = {
    Sid: 'NO0123456789abcdef0123456789abcdef',
    AccountSid: 'AC0123456789abcdef0123456789abcdef',
    Level: 'ERROR',
    Timestamp: '2026-03-04T09:00:05Z',
    PayloadType: 'application/json',
    Payload: JSON.stringify({
      resource_sid: 'CA0123456789abcdef0123456789abcdef',
      error_code: '32011',
      more_info: { Msg: 'Request timeout', sipResponse: '408' }
    })
  }
  const error = { errorCode: 32011, resourceSid: 'CA0123456789abcdef0123456789abcdef', alertText: 'Request timeout' }
  for (
    const [file, says] of [
      [{ alerts: [alert], meta: {} }, /32011\. .*did not answer in time \(408\)/],
      [alert, /did not answer in time \(408\)/],
      [debuggerHook, /did not answer in time \(408\)/],
      [error, /32011\. .*"32011: Request timeout"/],
      [new URLSearchParams(debuggerHook).toString(), /did not answer in time \(408\)/],
      [
        'Date,Error Code,Error Message,Resource SID\n2026-03-04,32011,Example,CA0123456789abcdef0123456789abcdef\n',
        /32011\. .*"32011: Example"/
      ]
    ] as const
  ) {
    const { calls: [call] } = await explainedAll([typeof file === 'string' ? file : JSON.stringify(file)])
    t.equal(call?.id, 'CA0123456789abcdef0123456789abcdef')
    t.match(call?.findings[0], { code: 'twilio-error', severity: 'failed', seen: says })
    t.strictSame(call?.steps, [], 'Twilio is not drawn')
  }
})

await t.test('Twilio: another response than a timeout is told as it is', async t => {
  const alert = twilioAlert('32011', 'Msg=Got+bad+response&sipResponse=503')
  const [finding] = findingsOf(await explainedAll([JSON.stringify(alert)]))
  t.match(finding?.seen, /answered 503/)
  t.notMatch(finding?.seen, /did not answer/)
})

await t.test('Twilio: codes that are known have a meaning, and others are looked up', async t => {
  for (const code of [...TWILIO_ERRORS.map(error => String(error.code)), '32999']) {
    const [finding] = findingsOf(await explainedAll([JSON.stringify(twilioAlert(code, 'Msg=Example'))]))
    t.equal(finding?.code, 'twilio-error', code)
    t.ok(finding?.seen.startsWith(`Twilio error ${code}.`) || code === '32999', code)
  }
  const [unknown] = findingsOf(await explainedAll([JSON.stringify(twilioAlert('32999', 'Msg=Example'))]))
  t.match(unknown?.todo, /docs\/api\/errors\/32999/)
})

await t.test('Twilio: the alert and the record of a call are one call', async t => {
  const explanation = await explainedAll([
    JSON.stringify(twilioCall({ sip_response_code: 408 })),
    JSON.stringify(twilioAlert('32011', 'sipResponse=408'))
  ])
  t.equal(explanation.calls.length, 1)
  t.match(explanation.calls[0]?.sources, { records: 1, logs: 1 })
})
